"""What packs keep for one pipeline, without a pack."""

from types import SimpleNamespace

import pytest

from filtered_websocket.filters.shared.state import PackState


class State(PackState):
    attribute = "of_a_test"

    def __init__(self, pipeline):
        super().__init__(pipeline)
        self.followed, self.stopped = [], 0

    def follow(self, options):
        if options == "bad":
            raise ValueError("options that no pack can follow")
        self.followed.append(options)

    def stop(self):
        self.stopped += 1


def test_a_pipeline_has_one_state_of_a_pack():
    pipeline, other = SimpleNamespace(options="first"), SimpleNamespace(options="first")
    state = State.of(pipeline)
    assert State.of(pipeline) is state is pipeline.of_a_test
    assert State.of(other) is not state


def test_options_are_followed_once_and_again_after_a_reload():
    pipeline = SimpleNamespace(options="first")
    state = State.of(pipeline)
    State.of(pipeline)
    pipeline.options = "second"
    assert State.of(pipeline) is state
    assert state.followed == ["first", "second"]


def test_a_state_whose_options_cannot_be_followed_is_none_of_the_pipelines():
    pipeline = SimpleNamespace(options="bad")
    with pytest.raises(ValueError, match="no pack can follow"):
        State.of(pipeline)
    assert not hasattr(pipeline, "of_a_test")


def test_the_end_of_a_pipeline_that_never_began_stops_nothing():
    State.end(SimpleNamespace(options="first"))
    pipeline = SimpleNamespace(options="first")
    state = State.of(pipeline)
    State.end(pipeline)
    assert state.stopped == 1

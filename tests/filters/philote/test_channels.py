import pytest
from hypothesis import given
from hypothesis import strategies as st

from filtered_websocket.filters.philote.channels import MAX_DEPTH, Exact, Wildcards

NAMES = st.text(st.sampled_from("ab/.-_:*"), max_size=30)


def test_without_wildcards_a_star_is_a_star():
    assert Exact().holds({"a/*"}, "a/*")
    assert not Exact().holds({"a/*"}, "a/b")
    assert Exact().targets("a/b") == "a/b"
    assert Exact().fault({"*x*"}) == ""


@pytest.mark.parametrize("pattern", ["*", "chat/*", "chat/7-*", "chat/7-x"])
def test_a_pattern_holds_what_begins_like_it(pattern):
    assert Wildcards().holds({"none", pattern}, "chat/7-x")


@pytest.mark.parametrize("pattern", ["chat*", "chat/7*", "chat/8-*", "chat", "*x"])
def test_a_pattern_holds_nothing_else(pattern):
    assert not Wildcards().holds({pattern}, "chat/7-x")


@given(NAMES, NAMES)
def test_a_client_that_may_read_a_channel_is_reached_by_what_is_published_to_it(name, channel):
    wildcards = Wildcards()
    if not wildcards.fault({name}):
        assert wildcards.holds({name}, channel) == (name in wildcards.targets(channel))


@given(NAMES)
def test_a_publication_goes_to_few_targets_each_once(channel):
    targets = Wildcards().targets(channel)
    assert targets[0] == channel
    assert len(targets) <= MAX_DEPTH + 2


@pytest.mark.parametrize("name", ["chat*", "a" + "/b" * 8 + "/*"])
def test_a_pattern_that_could_never_match_is_a_fault(name):
    assert "behind one of the first 8" in Wildcards().fault({"a/*", name})
    assert Wildcards().fault({"a/*", "b"}) == ""

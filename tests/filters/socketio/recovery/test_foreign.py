"""What other programs say on the bus: each of it stands once in the log, however many hear it; and holes are known."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from twisted.internet.defer import fail

from filtered_websocket.errors import StorageAway
from filtered_websocket.filters.socketio.recovery.foreign import ANSWER_SECONDS, SPARE_SECONDS, SPOKEN
from filtered_websocket.filters.socketio.recovery.items import Emit, Mark
from filtered_websocket.testing.server import Server
from tests.filters.socketio.recovery.pages import Page
from tests.filters.socketio.recovery.servers import Nodes, logged, recovery_of


@pytest.fixture
def nodes() -> Iterator[Nodes]:
    with ExitStack() as stack:
        yield Nodes(stack)


def marks(server: Server) -> list[bool]:
    return [item.hole for item in logged(server) if isinstance(item, Mark)]


def emits(server: Server) -> int:
    return sum(isinstance(item, Emit) for item in logged(server))


def test_nodes_that_begin_together_where_nobody_has_spoken_have_no_hole(nodes: Nodes) -> None:
    one, two = nodes.begin(), nodes.begin()
    assert marks(one) == []
    nodes.settle(ANSWER_SECONDS)
    assert marks(one) == marks(two) == [False, False]


def test_a_node_that_hears_answers_the_mark_of_another_at_once(nodes: Nodes) -> None:
    one = nodes.begin()
    nodes.settle(ANSWER_SECONDS)
    nodes.say(method="emit", event="e", data=1, room=None)
    two = nodes.begin()
    nodes.settle()
    assert marks(one) == marks(two) == [False, False]


def test_each_thing_said_stands_once_in_the_log_and_reaches_all(nodes: Nodes) -> None:
    one, two = nodes.begin(), nodes.begin()
    nodes.settle(ANSWER_SECONDS)
    pages = [Page(one), Page(two)]
    for number in range(10):
        nodes.say(method="emit", event="e", data=number, room=None)
    assert emits(one) == emits(two) == 10
    for page in pages:
        assert page.taken() == [("e", number) for number in range(10)]


def test_what_the_first_node_does_not_append_another_does(nodes: Nodes) -> None:
    one, two = nodes.begin(), nodes.begin()
    nodes.settle(ANSWER_SECONDS)
    page = Page(two)
    nodes.say(method="emit", event="e", data=0, room=None)
    first = recovery_of(one).foreign
    assert first is not None
    assert first._first == first._node
    nodes.storage.consumers.remove(one.server)  # it hears nothing any more
    for number in range(1, 4):
        nodes.say(method="emit", event="e", data=number, room=None)
    assert page.taken() == [("e", 0)]
    nodes.settle(SPARE_SECONDS)
    assert page.taken() == [("e", 1), ("e", 2), ("e", 3)]
    nodes.say(method="emit", event="e", data=4, room=None)
    assert page.taken() == [("e", 4)]


def test_when_all_were_away_and_programs_have_spoken_there_is_a_hole(nodes: Nodes) -> None:
    one = nodes.begin()
    nodes.settle(ANSWER_SECONDS)
    nodes.say(method="emit", event="e", data=1, room=None)
    page = Page(one).drop()
    assert nodes.storage._maps["ws_emit::recovery"].keys() == {SPOKEN}
    nodes.storage.consumers.remove(one.server)
    two = nodes.begin()
    nodes.settle(ANSWER_SECONDS)
    assert marks(two) == [False, True]
    assert not page.back(two)
    assert two.server.counters.totals["not recovered", "ws_emit: hole"] == 1
    assert page.drop().back(two)


def test_what_is_first_said_before_a_mark_is_answered_is_no_hole(nodes: Nodes) -> None:
    """A node that waits for the answer has heard it: one that had just begun refused its clients for that."""
    one, two = nodes.begin(), nodes.begin()
    pages = [Page(one).drop(), Page(two).drop()]
    nodes.say(method="emit", event="e", data=1, room=None)
    nodes.settle(ANSWER_SECONDS)
    assert marks(one) == marks(two) == [False, False]
    for page, server in zip(pages, (two, one), strict=True):
        assert page.back(server)
        assert page.taken() == [("e", 1)]


@pytest.mark.parametrize("first_to_answer", [0, 1])
def test_what_is_first_said_between_two_marks_is_a_hole_for_the_second_alone_if_nobody_answers_for_it(
    nodes: Nodes, first_to_answer: int
) -> None:
    one = nodes.begin()
    nodes.settle()
    nodes.say(method="emit", event="e", data=1, room=None)
    two = nodes.begin()
    nodes.settle()
    (one, two)[first_to_answer].advance(ANSWER_SECONDS)
    nodes.settle(ANSWER_SECONDS)
    assert marks(one) == marks(two) == [[False, False], [True, False]][first_to_answer]


def test_a_mark_that_a_part_of_storage_would_not_take_is_answered_later(
    nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = nodes.begin()
    with monkeypatch.context() as away:
        away.setattr(nodes.storage, "send", lambda *_, **__: fail(StorageAway("that part is away")))
        nodes.settle(ANSWER_SECONDS)
    assert marks(one) == []
    nodes.settle(ANSWER_SECONDS)
    assert marks(one) == [False]


def test_while_the_bus_moves_programs_may_be_missed_though_storage_is_ready(nodes: Nodes) -> None:
    one, two = nodes.begin(), nodes.begin()
    nodes.settle(ANSWER_SECONDS)
    nodes.say(method="emit", event="e", data=1, room=None)
    page, at_the_other = Page(one).drop(), Page(two).drop()
    two.server.bus_gap()
    nodes.settle()  # the other node has heard all
    assert marks(two) == [False, False, False]
    assert at_the_other.back(two)
    nodes.storage.consumers.remove(two.server)
    one.server.bus_gap()
    nodes.settle(ANSWER_SECONDS)
    assert marks(one)[3:] == [True]
    assert not page.back(one)
    assert one.server.counters.totals["not recovered", "ws_emit: hole"] == 1


def test_what_is_first_said_before_any_mark_is_a_hole(nodes: Nodes) -> None:
    one = nodes.begin()
    foreign = recovery_of(one).foreign
    assert foreign is not None
    foreign.ready_changed(False)
    nodes.say(method="emit", event="e", data=1, room=None)
    foreign.ready_changed(True)
    nodes.settle(ANSWER_SECONDS)
    assert marks(one) == [True]


def test_that_programs_have_spoken_is_put_again_where_that_was_lost(nodes: Nodes) -> None:
    one = nodes.begin()
    nodes.settle(ANSWER_SECONDS)
    nodes.say(method="emit", event="e", data=1, room=None)
    foreign = recovery_of(one).foreign
    assert foreign is not None
    said = nodes.storage._maps.pop("ws_emit::recovery")
    foreign.ready_changed(False)
    foreign.ready_changed(True)
    nodes.settle()
    assert nodes.storage._maps["ws_emit::recovery"] == said


def test_a_client_that_comes_before_that_is_known_waits(nodes: Nodes) -> None:
    one = nodes.begin()
    nodes.settle(ANSWER_SECONDS)
    page = Page(one).drop()
    nodes.storage.consumers.remove(one.server)
    two = nodes.begin()
    page.connect(two)
    assert len([packet for packet in page.packets if packet.startswith("40")]) == 1
    nodes.settle(ANSWER_SECONDS)
    page.sync()
    assert page.recovered


def test_what_is_said_before_the_own_mark_is_appended_by_whoever_was_alone(nodes: Nodes) -> None:
    one = nodes.begin()
    nodes.settle(ANSWER_SECONDS)
    page = Page(one)
    foreign = recovery_of(one).foreign
    assert foreign is not None
    foreign.ready_changed(False)
    nodes.say(method="emit", event="e", data=1, room=None)
    assert page.taken() == []
    foreign.ready_changed(True)
    nodes.settle(ANSWER_SECONDS)
    assert page.taken() == []  # it was heard by nobody for certain: a hole says so
    assert marks(one) == [False, True]


def test_what_cannot_be_read_has_a_number_all_the_same(nodes: Nodes) -> None:
    one, two = nodes.begin(ws_emit_pickle=True), nodes.begin()
    nodes.settle(ANSWER_SECONDS)
    page = Page(two)
    nodes.storage.publish("flask-socketio", b"\x80\x03}q\x00.")  # an empty dict, where pickles are read
    nodes.settle()
    nodes.say(method="emit", event="e", data=1, room=None)
    nodes.settle(SPARE_SECONDS)
    assert emits(one) == 1
    assert page.taken() == [("e", 1)]


def test_marks_that_are_none_are_counted(nodes: Nodes) -> None:
    one = nodes.begin()
    for data in ("", "[]", "{}", '{"mark":1}'):
        nodes.storage.publish("ws_emit::mark", data)
    nodes.settle(ANSWER_SECONDS)
    assert one.server.counters.totals["dropped", "ws_emit: malformed message of a node"] == 4
    assert marks(one) == [False]


def test_whoever_waits_for_what_programs_have_said_is_told_at_the_end(nodes: Nodes) -> None:
    foreign, told = recovery_of(nodes.begin()).foreign, list[bool]()
    assert foreign is not None
    waits = foreign.settled()
    assert waits is not None
    waits.addCallback(told.append)
    foreign.stop()
    assert told == [False]
    assert foreign.settled() is None

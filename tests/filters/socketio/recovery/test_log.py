"""The log as a node hears it: from where, in which epoch, and what it had before the node began."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from filtered_websocket.errors import StopChain
from filtered_websocket.filters.base import WebSocketConsumerFilter
from filtered_websocket.filters.socketio.recovery import log
from filtered_websocket.filters.socketio.recovery.items import Emit
from filtered_websocket.messages.publication import Position, Publication
from filtered_websocket.testing.server import Server
from tests.filters.socketio.recovery.pages import Page
from tests.filters.socketio.recovery.servers import Nodes, recovery_of
from tests.filters.ws_emit.clients import PACK
from tests.support.shared_memory import SharedMemory


@pytest.fixture
def nodes() -> Iterator[Nodes]:
    with ExitStack() as stack:
        yield Nodes(stack)


def emit(event: str) -> Emit:
    return Emit(("a",), (), ((b'42["%s"]' % event.encode(), False),))


def events(server: Server) -> list[bytes]:
    return [entry.messages[0][0] for entry in recovery_of(server).window.of_room("a", 0)]


def test_a_node_that_begins_has_what_the_log_had(nodes: Nodes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "SLICE", 3)
    one = nodes.begin()
    for number in range(10):
        recovery_of(one).append(emit(str(number)))
    two = nodes.begin()
    nodes.settle()
    assert len(events(two)) == 10
    assert events(one) == events(two)
    assert recovery_of(two).window.begin == 0


class Drops(WebSocketConsumerFilter):
    """Lets no event of this name pass, and gives another one other words."""

    @classmethod
    async def filter(cls, pipeline: object, data: object) -> object:
        if isinstance(data, Publication) and b"dropped" in data.payload:
            raise StopChain
        if isinstance(data, Publication) and b"plain" in data.payload:
            return data.with_payload(data.payload.decode().replace("plain", "fine"))
        return None


def test_what_consumer_filters_drop_or_change_is_so_for_whoever_comes_back(nodes: Nodes) -> None:
    one = nodes.begin()
    for event in ("dropped", "plain", "other"):
        recovery_of(one).append(emit(event))
    storage = nodes.storage
    with Server(Drops, PACK, storage_object=storage, ws_emit_recovery=120) as two:
        two.settle()
        assert [b"fine" in each for each in events(two)] == [False, True]
        for event in ("dropped", "plain"):
            recovery_of(two).append(emit(event))
        two.settle()
        assert [b"fine" in each for each in events(two)] == [True, False, True]


def test_no_filter_lets_a_client_name_the_channel(nodes: Nodes) -> None:
    one = nodes.begin()
    assert not one.pipeline().is_channel(recovery_of(one).log.channel)


def test_a_gap_puts_out_all_whose_place_is_lost(nodes: Nodes) -> None:
    one = nodes.begin()
    nodes.settle(1)
    page = Page(one).join("a")
    channel = recovery_of(one).log.channel
    one.server.gap("another", None)
    assert page.client.is_open
    one.server.gap(channel, Position("e", 7))
    assert recovery_of(one).window.position == Position("e", 7)
    assert page.client.close_code == 1006
    assert not page.back()


def test_after_a_gap_of_which_nothing_is_known_it_asks_where_the_log_stands() -> None:
    with ExitStack() as stack:
        nodes = Nodes(stack)
        one = nodes.begin()
        recovery_of(one).append(emit("one"))
        before = recovery_of(one).window.position
        one.server.gap(recovery_of(one).log.channel, None)
        nodes.settle()
        assert recovery_of(one).window.position == before


def test_another_epoch_without_a_gap_is_a_bridge(nodes: Nodes) -> None:
    one = nodes.begin()
    nodes.settle(1)
    page = Page(one).join("a")
    recovery_of(one).append(emit("one"))
    nodes.settle()
    window, channel = recovery_of(one).window, recovery_of(one).log.channel
    top = window.top
    page.taken()
    page.drop()
    payload = ((b'{"do":"emit","to":["a"],"but":[],"event":["42[\\"two\\"]"]}', False),)
    one.server.consume(Publication(channel, payload, position=Position("other", top + 1)))
    assert window.position == Position("other", top + 1)
    assert page.back()
    assert page.taken() == [("two",)]


def test_a_bridge_that_the_node_has_not_seen_is_asked_for_once(nodes: Nodes) -> None:
    one = nodes.begin()
    nodes.settle(1)
    page, other = Page(one).join("a").drop(), Page(one).join("a").drop()
    asked: list[Position] = []
    window = recovery_of(one).window

    def since(channel: str, position: Position, limit: int = 0) -> object:
        asked.append(position)
        return SharedMemory.latest(nodes.storage, channel, 0, 0).addCallback(lambda _: [])

    nodes.storage.since = since  # type: ignore[method-assign, assignment]
    former, window.epoch = window.epoch, "present"
    assert page.back()
    assert other.back()
    assert asked == [Position(former, window.top)]


def test_what_is_no_item_is_counted(nodes: Nodes) -> None:
    one = nodes.begin()
    channel = recovery_of(one).log.channel
    one.server.consume(Publication(channel, ((b"?", False),), position=Position("e", 1)))
    one.server.consume(Publication(channel, ((b"?", False),)))
    assert one.server.counters.totals["dropped", "ws_emit: unreadable in the log"] == 2


def test_a_place_that_comes_in_time_is_waited_for(nodes: Nodes) -> None:
    one = nodes.begin()
    recovery = recovery_of(one)
    gone = recovery.log.reached(recovery.window.top + 1).addErrback(lambda failure: None)
    reached, late = recovery.log.reached(recovery.window.top + 1), recovery.log.reached(99)
    assert not reached.called
    gone.cancel()  # its client has gone: the others are told
    recovery.append(emit("one"))
    assert one.result(reached) is True
    one.advance(log.LAG_SECONDS)
    assert one.result(late) is False


def test_whoever_waits_for_a_place_is_told_at_the_end(nodes: Nodes) -> None:
    kept, told = recovery_of(nodes.begin()).log, list[bool]()
    kept.reached(kept._window.top + 1).addCallback(told.append)
    assert told == []
    kept.stop()
    kept.reached(kept._window.top + 1).addCallback(told.append)
    assert told == [False, False]

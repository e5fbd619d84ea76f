"""Traces: every step of some connections, and of a channel's publications."""

import asyncio
from typing import Any, ClassVar

import pytest
from twisted.internet.defer import Deferred
from twisted.logger import LogLevel, formatEvent, globalLogPublisher

from filtered_websocket.chain.deferreds import start
from filtered_websocket.chain.observed import observer_of
from filtered_websocket.errors import Close
from filtered_websocket.filters.base import (
    WebSocketConnectFilter,
    WebSocketConsumerFilter,
    WebSocketDataFilter,
    WebSocketDisconnectFilter,
    WebSocketHandshakeFilter,
    WebSocketMessageFilter,
)
from filtered_websocket.server import slices, tracing
from filtered_websocket.server import trace as trace_module
from filtered_websocket.server.trace import TOGETHER_SECONDS
from filtered_websocket.server.tracing import RENEW_SECONDS
from filtered_websocket.testing import FilterFailed, Server
from tests.support.steering import ALL, Named, Spread, Traced, nodes


class Pass(WebSocketDataFilter):
    @classmethod
    def filter(cls, connection: Any, data: bytes) -> None: ...


class Greets(WebSocketConnectFilter):
    @classmethod
    async def filter(cls, connection: Any, data: None) -> None:
        connection.sendMessage('{"token": "abc"}')


class Leaves(WebSocketDisconnectFilter):
    @classmethod
    def filter(cls, connection: Any, data: None) -> None: ...


class Ends(WebSocketMessageFilter):
    @classmethod
    def filter(cls, connection: Any, data: Any) -> None:
        if data == "end":
            raise Close(4001, "told to")


class Louder(WebSocketConsumerFilter):
    @classmethod
    def filter(cls, pipeline: Any, data: Any) -> Any:
        return data.payload.decode().upper()


HERE = __name__


def test_every_step_of_a_users_connection_is_told_in_order_and_nothing_of_others() -> None:
    with Server(Named, Greets, Spread, Ends, Leaves) as server:
        other = server.connect("/?user=bob")
        trace = Traced(server, user="ann")
        ann = server.connect("/?user=ann")
        named, spread, ends = (f"{each.__module__}.{each.__qualname__}" for each in (Named, Spread, Ends))
        assert trace.told() == [
            ("filter", "handshake", named),
            ("opened",),
            ("sent", '{"token": "(hidden)"}'),
            ("filter", "connect", f"{HERE}.Greets"),
        ]
        for each in ("+room", "room hello", "room end"):
            ann.send(each)
        other.send("+other")
        assert trace.told() == [
            ("received", "+room"),
            ("subscribe", "room"),
            ("filter", "message", spread),
            ("filter", "message", ends),
            ("received", "room hello"),
            ("publish", "hello", "room"),
            ("filter", "message", spread, "hello"),
            ("filter", "message", ends),
            ("sent", "hello"),
            ("received", "room end"),
            ("publish", "end", "room"),
            ("filter", "message", spread, "end"),
            ("filter", "message", ends, "Close 4001 told to"),
            ("close", "4001"),
            ("sent", "end"),
            ("filter", "disconnect", f"{HERE}.Leaves"),
            ("closed", "4001"),
        ]
        trace.end()


class LeavesLate(WebSocketDisconnectFilter):
    """Waits for the test."""

    waits: ClassVar[list[Deferred[None]]] = []

    @classmethod
    async def filter(cls, connection: Any, data: None) -> None:
        cls.waits.append(Deferred())
        await cls.waits[-1]


def test_a_trace_of_a_connection_ends_with_what_its_last_disconnect_filter_has_done() -> None:
    with Server(Named, LeavesLate) as server:
        trace = Traced(server, user="ann")
        server.connect("/?user=ann").close()
        assert [each[0] for each in trace.told()] == ["filter", "opened"]
        LeavesLate.waits.pop().callback(None)
        assert trace.told() == [("filter", "disconnect", f"{HERE}.LeavesLate"), ("closed", "1000")]
        trace.end()


class LeavesWithAsyncio(WebSocketDisconnectFilter):
    @classmethod
    async def filter(cls, connection: Any, data: None) -> None:
        await asyncio.sleep(0)


def test_on_asyncio_where_disconnect_filters_begin_a_turn_later_they_are_told_too() -> None:
    with Server(Named, LeavesWithAsyncio, reactor="asyncio") as server:
        trace, ended = Traced(server, user="ann"), Deferred[None]()

        def take(events: list[dict[str, Any]]) -> None:
            trace.events.extend(events)
            if events[-1]["what"] == "closed":
                ended.callback(None)

        server.server.tracing.listen(trace.number, take)
        server.connect("/?user=ann").close()
        server.result(ended)
        assert [(each["what"], each.get("event")) for each in trace.events] == [
            ("filter", "handshake"),
            ("opened", None),
            ("filter", "disconnect"),
            ("closed", None),
        ]
        trace.end()


def test_a_connection_that_is_open_already_and_its_data_filters_are_traced_by_id() -> None:
    with Server(Named, Pass, Spread) as server:
        client, other = server.connect("/?id=a"), server.connect("/?id=b")
        trace = Traced(server, id="a")
        client.send("+x")
        other.send("+x")
        told = trace.told()
        assert told[0] == ("filter", "data", f"{HERE}.Pass")
        assert [each[0] for each in told[1:]] == ["received", "subscribe", "filter"]
        trace.end()


def test_one_that_says_later_whose_it_is_is_traced_from_then_on() -> None:
    class SignsIn(WebSocketMessageFilter):
        @classmethod
        def filter(cls, connection: Any, data: bytearray) -> None:
            connection.user = data.decode()

    with Server(SignsIn) as server:
        client = server.connect()
        trace = Traced(server, user="ann")
        client.send("ann")
        client.send("ann")
        assert [each[0] for each in trace.told()] == ["opened", "received", "filter"]
        trace.end()


def test_publications_of_a_channel_are_told_through_the_consumer_chain_and_its_subscribers() -> None:
    with Server(Named, Spread, Louder) as server:
        client = server.connect()
        for each in ("+room", "+other"):
            client.send(each)
        trace = Traced(server, channel="room")
        server.pipeline().publish("room", "hi")
        server.pipeline().publish("other", "unseen")
        assert trace.told() == [
            ("published", "hi", "room"),
            ("filter", "consumer", f"{HERE}.Louder", "room", "HI"),
            ("sent", "HI"),
            ("sent", "UNSEEN"),
        ]
        trace.end()
        assert server.pipeline().chains["consumer"] == (Louder.step,)


def test_all_processes_trace_for_the_one_that_asks_and_end_with_it() -> None:
    with nodes(2) as servers:
        client = servers[1].connect("/?user=ann")
        trace = Traced(servers[0], user="ann")
        assert {name: each["connections"] for name, each in trace.answers.by_process.items()} == {
            "node0": 0,
            "node1": 1,
        }
        client.send("+x")
        assert [each[0] for each in trace.told(servers[1])] == ["received", "subscribe", "filter"]
        trace.end()
        servers[1].settle()
        assert not servers[1].server.tracing.runs


def test_a_trace_whose_asker_has_died_ends() -> None:
    with nodes(2) as servers:
        trace = Traced(servers[0], user="ann")
        for _ in range(6):
            servers[0].advance(RENEW_SECONDS)
            servers[1].advance(RENEW_SECONDS)
        assert servers[1].server.tracing.runs, "it is renewed"
        for _ in range(5):
            servers[1].advance(RENEW_SECONDS)
        assert not servers[1].server.tracing.runs
        trace.end()


def test_who_looks_at_nothing_any_more_leaves_the_connection_and_the_chains_as_they_were() -> None:
    with Server(Named, Greets, Spread, Leaves) as server:
        client = server.connect("/?user=ann")
        connection = client.connection
        plain, chains, direct = type(connection), dict(server.pipeline().chains), connection.direct
        trace = Traced(server, user="ann")
        assert observer_of(connection) is not None
        other = server.connect("/?user=bob")
        assert observer_of(other.connection) is None
        client.send("+x")
        trace.end()
        assert type(connection) is plain
        assert type(other.connection) is plain
        assert "observer" not in vars(connection)
        assert connection.direct is direct
        assert server.pipeline().chains == chains
        assert not server.server.tracing._renewal.running
        client.send("x hello")
        assert client.received()[-1] == "hello"


def test_what_is_too_much_is_left_out_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trace_module, "MAX_RATE", 20)
    monkeypatch.setattr(tracing, "MAX_CONNECTIONS", 2)
    monkeypatch.setattr(tracing, "MAX_TRACES", 2)
    with Server(Named, Spread) as server:
        clients = [server.connect("/?user=ann") for _ in range(3)]
        traces = [Traced(server, str(number), user="ann") for number in range(2)]
        (answer,) = traces[0].answers.by_process.values()
        assert answer == {"connections": 2, "left_out": 1}
        (refused,) = Traced(server, "third", user="ann").answers.by_process.values()
        assert refused == {"refused": "2 traces run there"}
        for each in clients:
            for _ in range(10):
                each.send("nobody " + "x" * 5000)
        server.advance(TOGETHER_SECONDS)
        events = traces[0].events
        assert len(events) == 21
        assert events[-1]["what"] == "dropped"
        assert events[-1]["count"] == 2 * 10 * 3 - 20
        assert max(len(each.get("payload", "")) for each in events) <= 501
        for each in traces:
            each.end()


def test_many_connections_are_looked_through_in_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "SLICE_SECONDS", -1.0)
    monkeypatch.setattr(slices, "AT_ONCE", 10)
    with Server(Named, Spread) as server:
        clients = [server.connect(f"/?user=ann&id={number:03}") for number in range(50)]
        turns: list[int] = []
        for number in range(3):
            server.reactor.callLater(0, turns.append, number)
        begun = start(server.server.tracing.begin(ALL | {"user": "ann", "trace": "t", "asker": "another"}))
        assert not begun.called
        clients[49].connection.abortConnection()
        assert server.result(begun)["connections"] == 49
        assert turns == [0, 1, 2], "others had their turns in between"
        ended = start(server.server.tracing.begin(ALL | {"user": "ann", "trace": "u", "asker": "another"}))
        for number in ("t", "u"):
            server.server.tracing.end(number)
        assert server.result(ended)["connections"] <= 10
        assert not server.server.observation.traced()


def test_those_that_join_a_channel_later_are_traced_too() -> None:
    with Server(Named, Spread) as server:
        trace = Traced(server, channel="room")
        client = server.connect("/?id=a")
        client.send("+room")
        server.advance(RENEW_SECONDS)
        client.send("nobody x")
        assert [each[0] for each in trace.told()] == ["received", "publish", "filter"]
        trace.end()


def test_a_client_that_comes_and_goes_while_something_is_traced_leaves_nothing() -> None:
    with Server(Named, Spread) as server:
        trace = Traced(server, user="ann")
        for _ in range(5):
            server.connect("/?user=bob").close()
        server.connect().abort()
        server.settle()
        assert server.server.tracing._newcomers.count == 0
        assert server.server.observation._watches == {}
        trace.end()


class Lets(WebSocketHandshakeFilter):
    """Lets a client in when the test says so."""

    waits: ClassVar[list[Deferred[None]]] = []

    @classmethod
    async def filter(cls, connection: Any, request: Any) -> None:
        cls.waits.append(Deferred())
        await cls.waits[-1]


def test_one_that_waits_to_be_let_in_while_a_trace_ends_is_told_to_the_others_and_leaves_nothing() -> None:
    with Server(Named, Lets) as server:
        others, ends = Traced(server, "a", user="ann"), Traced(server, "b", user="ann")
        comes, goes = (server.connect("/?user=ann") for _ in range(2))
        ends.end()
        goes.abort()
        Lets.waits.pop(0).callback(None)
        server.settle()
        assert comes.connection.opened
        lets = f"{HERE}.Lets"
        assert [each[:3] for each in others.told()][1:] == [("filter", "handshake", lets), ("opened",)]
        assert server.server.tracing._newcomers.count == 0
        others.end()
        Lets.waits.clear()


class Fails(WebSocketMessageFilter):
    @classmethod
    async def filter(cls, connection: Any, data: Any) -> None:
        raise ValueError("on purpose")


class FailsToo(WebSocketConsumerFilter):
    @classmethod
    async def filter(cls, pipeline: Any, data: Any) -> None:
        raise ValueError("on purpose")


class Odd(WebSocketConsumerFilter):
    @classmethod
    def filter(cls, pipeline: Any, data: Any) -> Any:
        return 7


def fail_in(server: Server, looks: bool) -> None:
    with server:
        traces = [Traced(server, user="ann"), Traced(server, "c", channel="room")] if looks else []
        server.connect("/?user=bob").connection.subscribe("room")
        server.connect("/?user=ann").send("x")
        server.pipeline().publish("room", "x")
        server.settle()
        for each in traces:
            each.end()


@pytest.mark.parametrize("consumer", [FailsToo, Odd])
def test_failures_are_told_of_the_filter_whether_somebody_looks_or_not(consumer: Any) -> None:
    told: list[list[str]] = []
    for looks in (False, True):
        events: list[Any] = []
        globalLogPublisher.addObserver(events.append)
        with pytest.raises(FilterFailed):
            fail_in(Server(Named, Fails, consumer), looks)
        globalLogPublisher.removeObserver(events.append)
        told.append([formatEvent(each) for each in events if each["log_level"] is not LogLevel.info])
    assert told[1] == told[0]
    assert f"{HERE}.Fails.filter" in str(told[0])
    assert f"{HERE}.{consumer.__name__}.filter" in str(told[0])

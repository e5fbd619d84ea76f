"""Sessions that poll are traced as WebSockets are, and one trace shows both sides of an upgrade."""

from typing import Any, ClassVar

import pytest
from twisted.internet.defer import Deferred

from filtered_websocket.chain.observed import observer_of
from filtered_websocket.errors import Reject
from filtered_websocket.filters.base import (
    WebSocketConnectFilter,
    WebSocketDisconnectFilter,
    WebSocketHandshakeFilter,
    WebSocketMessageFilter,
)
from filtered_websocket.filters.engineio.filtered_session import FilteredSession
from filtered_websocket.server.trace import TOGETHER_SECONDS
from filtered_websocket.testing.server import Server
from tests.filters.engineio.clients import PACK, POLLING, Session
from tests.filters.ws_emit.clients import ask
from tests.support.steering import Traced, nodes
from tests.support.steering import ask as ask_all

HERE = __name__


class Named(WebSocketHandshakeFilter):
    """A client that polls says whose it is; its WebSocket does not."""

    @classmethod
    def filter(cls, connection: Any, request: Any) -> None:
        if isinstance(connection, FilteredSession):
            connection.user = request.params.get("user", [None])[0]
            if connection.user == "eve":
                raise Reject(403, "no")


class Greets(WebSocketConnectFilter):
    @classmethod
    def filter(cls, connection: Any, data: None) -> Any:
        return connection.subscribe("news")


class Says(WebSocketMessageFilter):
    """Waits if it is told to, and then says so."""

    waiting: ClassVar[list[Deferred[None]]] = []

    @classmethod
    async def filter(cls, connection: Any, data: bytearray) -> None:
        if data == b"wait":
            cls.waiting.append(Deferred())
            await cls.waiting[-1]
        connection.sendMessage(f"said {data.decode()}")
        connection.publish("news", data.decode())


class Leaves(WebSocketDisconnectFilter):
    @classmethod
    def filter(cls, connection: Any, data: None) -> None: ...


FILTERS = (Named, PACK, Greets, Says, Leaves)
READ = ("filter", "message", f"{PACK}.filters.Read")
SAYS = ("filter", "message", f"{HERE}.Says")


def without_greeting(told: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """What was told, but for the packet that holds a secret of this run."""
    return [each for each in told if not (each[0] == "sent" and each[1].startswith("0{"))]


def test_every_step_of_a_session_is_told_from_its_handshake_to_its_end_and_nothing_of_others() -> None:
    with Server(*FILTERS) as server:
        other = Session(server, query="&user=bob")
        trace = Traced(server, user="ann")
        ann = Session(server, query="&user=ann")
        assert without_greeting(trace.told()) == [
            ("filter", "handshake", f"{HERE}.Named"),
            ("filter", "handshake", f"{PACK}.filters.Admit"),
            ("opened",),
            ("filter", "connect", f"{PACK}.filters.Greet"),
            ("subscribe", "news"),
            ("filter", "connect", f"{HERE}.Greets"),
        ]
        ann.send("hi")
        other.send("ho")
        assert ann.received()
        assert trace.told() == [
            ("received", "4hi"),
            (*READ, "hi"),
            ("publish", "hi", "news"),
            SAYS,
            # When its GET takes them; the last, what all in the channel get.
            ("sent", "4said hi"),
            ("sent", "4hi"),
            ("sent", "4ho"),
        ]
        ann.leave()
        assert trace.told() == [
            ("received", "1"),
            ("filter", "disconnect", f"{PACK}.filters.Forget"),
            ("filter", "disconnect", f"{HERE}.Leaves"),
            ("closed", "1000"),
            ("filter", "message", f"{PACK}.filters.Read", "StopChain"),
        ]
        trace.end()


@pytest.mark.parametrize("by", ["id", "user"])
def test_one_trace_shows_both_sides_of_an_upgrade_and_nothing_twice(by: str) -> None:
    with Server(*FILTERS) as server:
        ann = Session(server, query="&user=ann")
        (session,) = server.pipeline().users.values()
        trace = Traced(server, **({"id": session.id} if by == "id" else {"user": "ann"}))
        ann.send("wait")
        waits = Says.waiting.pop()
        ann.upgrade()
        waits.callback(None)
        ann.send("hi")
        assert trace.told() == [
            ("received", "4wait"),
            (*READ, "wait"),
            ("filter", "handshake", f"{HERE}.Named"),
            ("filter", "handshake", f"{PACK}.filters.Admit"),
            ("opened",),
            ("filter", "connect", f"{PACK}.filters.Greet", "StopChain"),
            ("received", "2probe"),
            ("sent", "3probe"),
            (*READ, "StopChain"),
            ("received", "5"),
            ("subscribe", "news"),
            ("moved",),
            (*READ, "StopChain"),
            # The filter that has waited, of the session that was.
            ("sent", "4said wait"),
            ("publish", "wait", "news"),
            SAYS,
            ("sent", "4wait"),
            ("received", "4hi"),
            (*READ, "hi"),
            ("sent", "4said hi"),
            ("publish", "hi", "news"),
            SAYS,
            ("sent", "4hi"),
        ]
        (connection,) = server.pipeline().users.values()
        assert observer_of(connection) is not None
        trace.end()
        assert observer_of(connection) is None


class Counts(WebSocketMessageFilter):
    @classmethod
    def filter(cls, connection: Any, data: bytearray) -> None: ...


def test_bytes_in_base64_are_told_in_the_filters_behind_the_one_that_reads_them() -> None:
    with Server(*FILTERS, Counts) as server:
        ann = Session(server, "websocket")
        (connection,) = server.pipeline().users.values()
        plain = server.pipeline().chains["message"]
        trace = Traced(server, id=connection.id)
        assert ann.websocket is not None
        for message in ("bAQI=", "4hi", "6"):
            ann.websocket.send(message)
            assert server.pipeline().chains["message"] is plain
        told = [each for each in trace.told() if each[0] in ("received", "filter")]
        counts = ("filter", "message", f"{HERE}.Counts")
        assert told == [
            ("received", "bAQI="),
            SAYS,
            counts,
            # It has run the others itself.
            (*READ, "StopChain"),
            ("received", "4hi"),
            (*READ, "hi"),
            SAYS,
            counts,
            ("received", "6"),
            (*READ, "StopChain"),
        ]
        trace.end()


def test_an_upgrade_that_comes_to_nothing_ends_the_websocket_and_the_session_goes_on() -> None:
    with Server(*FILTERS) as server:
        ann = Session(server, query="&user=ann")
        trace = Traced(server, user="ann")
        assert ann.poller is not None
        websocket = ann.poller.websocket()
        websocket.send("2probe")
        websocket.close()
        server.advance(TOGETHER_SECONDS)
        closed = [each for each in trace.events if each["what"] in ("moved", "closed")]
        assert [each["transport"] for each in closed] == ["websocket"]
        trace.told()
        ann.send("hi")
        assert trace.told() == [("received", "4hi"), (*READ, "hi"), ("publish", "hi", "news"), SAYS]
        trace.end()


def test_a_session_that_moves_to_another_node_is_told_of_by_both() -> None:
    with nodes(2, *FILTERS) as servers:
        one, two = servers
        ann = Session(one, query="&user=ann")
        (session,) = one.pipeline().users.values()
        trace = Traced(one, id=session.id)
        ann.send("hi")
        assert ann.poller is not None
        websocket = two.connect(ann.poller.uri.replace("polling", "websocket"))
        websocket.send("2probe")
        websocket.send("5")
        for each in servers * 3:
            each.settle()
        told = trace.told(one, two)
        assert [each for each in told if each[0] in ("opened", "moved")] in (
            [("opened",), ("moved",)],
            [("moved",), ("opened",)],
        )
        # What has waited for a GET: the WebSocket sends it, once.
        assert [each for each in told if each[0] == "sent"] == [
            ("sent", "3probe"),
            ("sent", "4said hi"),
            ("sent", "4hi"),
        ]
        websocket.send("4again")
        assert trace.told(two)[0] == ("received", "4again")
        trace.end()


def test_a_session_that_is_lost_on_its_way_to_another_node_ends_for_the_trace_too() -> None:
    with Server(*FILTERS) as server:
        Session(server, query="&user=ann")
        (session,) = server.pipeline().users.values()
        trace = Traced(server, user="ann")
        moving: Any = session
        moving.move()
        moving.lost()
        server.settle()
        assert trace.told() == [
            ("moved",),
            ("filter", "disconnect", f"{PACK}.filters.Forget"),
            ("filter", "disconnect", f"{HERE}.Leaves"),
            ("closed", "1000"),
        ]
        trace.end()


def test_one_that_is_not_let_in_leaves_nothing() -> None:
    with Server(*FILTERS) as server:
        trace = Traced(server, user="eve")
        assert ask(server, "GET", f"{POLLING}&user=eve").status == 403
        assert server.server.tracing._newcomers.count == 0
        assert server.server.observation._watches == {}
        assert trace.told() == []
        trace.end()


def test_its_messages_are_counted_once_somebody_has_asked() -> None:
    with Server(*FILTERS) as server:
        ann = Session(server, query="&user=ann")
        ask_all(server, "connections")
        ann.send("hi")
        ann.received()
        (answer,) = ask_all(server, "connections").by_process.values()
        ((_, row),) = answer["rows"]
        assert (row["messages_in"], row["messages_out"], row["bytes_in"]) == (1, 2, None)
        ann.upgrade()
        assert server.server.observation._watches == {}


def test_a_user_is_named_by_text_or_not_at_all() -> None:
    with Server(*FILTERS) as server:
        Session(server)
        (session,) = server.pipeline().users.values()
        with pytest.raises(TypeError, match="not by int"):
            session.user = 7  # type: ignore[assignment]
        trace = Traced(server, user="ann")
        session.user = "ann"
        assert trace.told() == [("opened",)]
        trace.end()

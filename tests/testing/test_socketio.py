"""The kit's client of Socket.IO, on both transports."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from twisted.internet import reactor
from twisted.internet.task import deferLater

from filtered_websocket.errors import Reject
from filtered_websocket.filters.base import WebSocketHandshakeFilter
from filtered_websocket.filters.socketio import (
    NoAnswer,
    SocketIOConnectFilter,
    SocketIODisconnectFilter,
    SocketIOEventFilter,
    namespace,
)
from filtered_websocket.testing import ConnectError, Refused, Server, SocketIOClient, StillWaiting
from tests.support.small_filters import Echo

PACK = "filtered_websocket.filters.socketio"
EVERYWHERE = ("/", "/chat")


class Enter(SocketIOConnectFilter):
    namespace = EVERYWHERE

    @classmethod
    async def filter(cls, socket: Any, auth: Any) -> None:
        if wait := auth.get("wait"):
            await deferLater(reactor, wait)
        if auth.get("name") == "eve":
            raise Reject(403, "not you", data={"try": "ann"})
        socket.user = auth.get("name")
        socket.join("hall")
        socket.emit("welcome", socket.user)


class Say(SocketIOEventFilter):
    event = "say"
    namespace = EVERYWHERE

    @classmethod
    def filter(cls, socket: Any, *arguments: Any) -> Any:
        socket.to("hall").emit("said", socket.user, *arguments)
        return "heard", len(arguments)


class AskBack(SocketIOEventFilter):
    event = "ask back"

    @classmethod
    async def filter(cls, socket: Any, *arguments: Any) -> Any:
        try:
            return await socket.call("question", *arguments, timeout=3)
        except NoAnswer as error:
            return str(error)


class Later(SocketIOEventFilter):
    event = "later"

    @classmethod
    async def filter(cls, socket: Any, text: str) -> str:
        await deferLater(reactor, 2)
        return text


class Out(SocketIOEventFilter):
    event = "out"

    @classmethod
    def filter(cls, socket: Any, close: bool) -> None:
        socket.disconnect(close)


class Left(SocketIODisconnectFilter):
    namespace = EVERYWHERE

    @classmethod
    def filter(cls, socket: Any, reason: str) -> None:
        socket.to("hall").emit("left", socket.user, reason)


FILTERS = (PACK, Enter, Say, AskBack, Later, Out, Left)


@pytest.fixture(params=["websocket", "polling"])
def transport(request: Any) -> str:
    return str(request.param)


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(*FILTERS) as server:
        yield server


Enters = Callable[..., SocketIOClient]


@pytest.fixture
def enter(server: Server, transport: Any) -> Enters:
    def enters(name: str = "ann", where: str = "/", **auth: Any) -> SocketIOClient:
        return server.socketio(where, {"name": name, **auth}, transport=transport)

    return enters


def test_events_come_in_order_and_are_told_once(enter: Enters) -> None:
    ann, bob = enter("ann"), enter("bob")
    assert bob.received() == [("welcome", "bob")]
    ann.emit("say", 1)
    ann.emit("say", {"a": [None, True]}, "é")
    assert bob.received() == [("said", "ann", 1), ("said", "ann", {"a": [None, True]}, "é")]
    assert bob.received() == []
    assert ann.received() == [("welcome", "ann")]


def test_bytes_may_be_anywhere_both_ways(enter: Enters) -> None:
    ann, bob = enter("ann"), enter("bob")
    bob.received()
    assert ann.call("say", b"\0\xff", [{"a": b""}]) == ["heard", 2]
    assert bob.received() == [("said", "ann", b"\0\xff", [{"a": b""}])]
    ann.on("question", lambda *arguments: (*arguments, b"more"))
    assert ann.call("ask back", b"\1\x1e") == [[b"\1\x1e", b"more"]]


def test_an_acknowledgement_may_come_later(server: Server, enter: Enters) -> None:
    ann = enter("ann")
    first, second = ann.ask("later", "one"), ann.ask("later", "two")
    assert not first.has_come
    with pytest.raises(StillWaiting, match="say is not acknowledged: a filter waits"):
        ann.call("say")
    server.advance(2)
    assert first.arguments == ["one"]
    assert not second.has_come
    server.advance(2)
    assert second.arguments == ["two"]


def test_a_client_that_has_gone_gets_no_acknowledgement(enter: Enters) -> None:
    ann = enter("ann")
    asked = ann.ask("later", "one")
    ann.session.abort()
    with pytest.raises(StillWaiting, match="later is not acknowledged: transport close"):
        print(asked.arguments)


def test_what_nobody_is_for_is_not_acknowledged(enter: Enters) -> None:
    with pytest.raises(StillWaiting, match="nothing is not acknowledged"):
        enter("ann").call("nothing")


@pytest.mark.parametrize(
    ("answer", "given"),
    [(lambda text: None, []), (lambda text: text, ["why?"]), (lambda text: (1, text), [1, "why?"])],
)
def test_it_acknowledges_what_it_is_told_to(enter: Enters, answer: Callable[..., Any], given: list[Any]) -> None:
    ann = enter("ann")
    ann.received()
    ann.on("question", answer)
    assert ann.call("ask back", "why?") == [given]
    assert ann.received() == [("question", "why?")]


def test_without_being_told_it_acknowledges_nothing(server: Server, enter: Enters) -> None:
    ann = enter("ann")
    asked = ann.ask("ask back")
    server.advance(3)
    assert asked.arguments == ["no acknowledgement within 3 s"]


def test_who_is_not_let_in_is_told_why(enter: Enters) -> None:
    with pytest.raises(ConnectError, match="not you") as refused:
        enter("eve")
    assert (refused.value.message, refused.value.data) == ("not you", {"try": "ann"})
    with pytest.raises(ConnectError, match="Invalid namespace"):
        enter("ann", "/nowhere")


@pytest.mark.parametrize("name", ["chat", "", "/a,b"])
def test_a_name_that_no_namespace_has_is_refused_at_once(enter: Enters, name: str) -> None:
    with pytest.raises(ValueError, match="is no namespace"):
        enter("ann", name)


def test_each_of_several_clients_gets_its_own_acknowledgement(enter: Enters) -> None:
    several = [enter("ann", "/chat") for _ in range(6)]
    asked = [client.ask("say", *(b"x",) * number) for number, client in enumerate(several)]
    assert [each.arguments for each in asked] == [["heard", number] for number in range(6)]


def test_a_refusal_may_come_later(server: Server, enter: Enters) -> None:
    eve, ann = enter("eve", wait=5), enter("ann", wait=5)
    assert not ann.is_connected
    with pytest.raises(ConnectionError, match=re.escape("not in /: a filter waits (let time pass with server.advance")):
        ann.emit("say")
    with pytest.raises(ConnectionError, match="not in /"):
        print(ann.id)
    server.advance(5)
    assert ann.received() == [("welcome", "ann")]
    assert ann.id
    with pytest.raises(ConnectError, match="not you"):
        eve.emit("say")


def test_namespaces_share_a_connection(server: Server, enter: Enters) -> None:
    ann, bob = enter("ann"), enter("bob", "/chat")
    chat = ann.connect("/chat", {"name": "ann in chat"})
    assert chat.session is ann.session
    assert chat.id != ann.id
    bob.received()
    chat.emit("say", "hi")
    assert bob.received() == [("said", "ann in chat", "hi")]
    with pytest.raises(ValueError, match="has a client in /chat"):
        ann.connect("/chat")
    with pytest.raises(ConnectError, match="not you"):
        bob.connect("/", {"name": "eve"})
    assert bob.connect("/", {"name": "bob"}).received() == [("welcome", "bob")]


def test_it_leaves_a_namespace_and_may_come_back(server: Server, enter: Enters) -> None:
    ann, bob = enter("ann"), enter("bob")
    bob.received()
    name = ann.id
    ann.disconnect()
    assert (ann.reason, ann.is_connected, ann.id) == ("io client disconnect", False, name)
    assert ann.session.is_open
    assert bob.received() == [("left", "ann", "client namespace disconnect")]
    with pytest.raises(ConnectionError, match="not in /: io client disconnect"):
        ann.emit("say")
    again = ann.connect("/", {"name": "ann again"})
    assert again.received() == [("welcome", "ann again")]
    assert again.call("say") == ["heard", 0]


def test_the_server_may_put_it_out(enter: Enters) -> None:
    ann, bob = enter("ann"), enter("bob")
    bob.received()
    ann.emit("out", False)
    assert (ann.reason, ann.session.is_open) == ("io server disconnect", True)
    bob.emit("out", True)
    assert (bob.is_connected, bob.session.is_open) == (False, False)
    assert bob.received() == [("left", "ann", "server namespace disconnect")]


def test_its_connection_may_end_politely_or_not(server: Server, enter: Enters, transport: str) -> None:
    watching, ann, bob = enter("watching"), enter("ann"), enter("bob")
    watching.received()
    ann.session.close()
    assert (ann.reason, ann.session.is_open) == ("transport close", False)
    assert ann.session.close_code == (1000 if transport == "websocket" else None)
    bob.session.abort()
    assert bob.reason == "transport close"
    assert watching.received() == [("left", "ann", "transport close"), ("left", "bob", "transport close")]


def test_pings_are_answered_unless_it_is_told_not_to(server: Server, enter: Enters) -> None:
    ann, bob = enter("ann"), enter("bob")
    server.advance(300)
    assert ann.is_connected
    bob.received()
    ann.session.answers_pings = False
    server.advance(50)
    assert ann.reason == "transport close"
    assert bob.received() == [("left", "ann", "ping timeout")]


def test_the_server_ends(transport: Any) -> None:
    with Server(*FILTERS) as server:
        ann = server.socketio(transport=transport)
        assert ann.is_connected
    assert ann.reason == "transport close"


def test_what_is_emitted_outside_handlers_comes_too(server: Server, enter: Enters) -> None:
    ann = enter("ann")
    ann.received()
    namespace(server.pipeline(), "/").to("hall").emit("news", 1)
    assert ann.received() == [("news", 1)]


def test_the_path_may_be_another_and_have_a_query_and_headers(transport: Any) -> None:
    seen: list[Any] = []

    class Look(SocketIOConnectFilter):
        @classmethod
        def filter(cls, socket: Any, auth: Any) -> None:
            seen.append((socket.handshake.params.get("token"), socket.handshake.headers.get("x-word")))

    with Server(pipelines={"/live/*": {"filters": [PACK, Look], "socketio_path": "/live/io"}}) as server:
        client = server.socketio(path="/live/io/?token=a", headers={"X-Word": "b"}, transport=transport)
        assert client.is_connected
        assert seen == [(["a"], "b")]
        with pytest.raises(Refused, match="404"):
            server.socketio(transport=transport)


class Door(WebSocketHandshakeFilter):
    @classmethod
    def filter(cls, connection: Any, request: Any) -> None:
        raise Reject(401, "who are you?")


def test_a_handshake_filter_may_refuse_the_connection(transport: Any) -> None:
    with Server(Door, PACK) as server:
        with pytest.raises(Refused, match="401") as refused:
            server.socketio(transport=transport)
        assert refused.value.status == 401


def test_where_no_pack_is_the_error_says_so() -> None:
    with Server(Echo) as server, pytest.raises(ConnectionError, match="or no filter module brings filtered_websocket"):
        server.socketio().emit("say")

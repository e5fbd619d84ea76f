"""What a filter does with a client."""

from collections.abc import Callable
from typing import Any

import pytest

from filtered_websocket.errors import NotAllowed
from filtered_websocket.filters.socketio import NoAnswer, SocketIOConnectFilter, SocketIOEventFilter
from filtered_websocket.filters.socketio.socket import Socket
from filtered_websocket.testing.server import Server
from tests.filters.socketio.clients import Chat, Echo, client, enter, socket_of
from tests.filters.ws_emit.clients import Poller

Serve = Callable[..., Server]


def test_it_knows_its_client(serve: Serve) -> None:
    server = serve(Echo)
    made = client(server, auth={"a": 1})
    socket = socket_of(server, made)
    assert (socket.namespace, socket.auth, socket.event, socket.user, socket.data) == ("/", {"a": 1}, None, None, {})
    assert socket.connection is made.connection
    assert socket.handshake.params["transport"] == ["websocket"]
    assert socket.rooms == {made.sid}  # type: ignore[attr-defined]
    assert socket.connected


def test_events_to_it_have_bytes_anywhere(serve: Serve) -> None:
    server = serve(Chat)
    made = client(server, "/chat")
    socket_of(server, made, "/chat").emit("e", {"a": [b"x"]}, bytearray(b"y"))
    assert made.received() == [
        '452-/chat,["e",{"a":[{"_placeholder":true,"num":0}]},{"_placeholder":true,"num":1}]',
        b"x",
        b"y",
    ]


@pytest.mark.parametrize("name", ["connect", "disconnect", "connect_error", "newListener"])
def test_reserved_names_are_not_emitted(serve: Serve, name: str) -> None:
    server = serve(Echo)
    with pytest.raises(ValueError, match="reserved"):
        socket_of(server, client(server)).emit(name)


def test_a_call_gives_the_acknowledgements_arguments_also_while_an_event_is_handled(serve: Serve) -> None:
    class Ask(SocketIOEventFilter):
        event = "ask"

        @classmethod
        async def filter(cls, socket: Socket, *what: object) -> object:
            return await socket.call("asked", *what, timeout=5)

    server = serve(Ask, Echo)
    made = client(server)
    made.send('421["ask","x"]')
    made.send('422["echo"]')
    (asked,) = made.received()
    number = asked.removeprefix("42").removesuffix('["asked","x"]')
    made.send(f'461-{number}[{{"_placeholder":true,"num":0}},2]')
    made.send(b"bytes")
    assert made.received() == ['461-1[[{"_placeholder":true,"num":0},2]]', b"bytes", "432[]"]


def test_a_call_that_is_not_answered_ends_in_time_and_with_its_client(serve: Serve) -> None:
    server = serve(Echo)
    one, two = client(server), client(server)
    silent, gone = (socket_of(server, made).call("asked", timeout=3) for made in (one, two))
    two.send("41")
    with pytest.raises(NoAnswer, match="has gone"):
        server.result(gone)
    server.advance(2.9)
    assert not silent.called
    server.advance(0.2)
    with pytest.raises(NoAnswer, match="within 3 s"):
        server.result(silent)


def test_a_client_owes_no_more_acknowledgements_than_is_allowed(serve: Serve) -> None:
    server = serve(Echo, socketio_max_acknowledgements=1)
    socket = socket_of(server, client(server))
    socket.call("a")
    with pytest.raises(NotAllowed):
        socket.call("b")
    assert server.server.counters.totals["refused", "socketio_max_acknowledgements"] == 1


def test_rooms_are_entered_and_left_and_the_others_in_them_reached(serve: Serve) -> None:
    server = serve(Echo)
    made = [client(server) for _ in range(3)]
    one, two, three = (socket_of(server, each) for each in made)
    one.join("a", ["b", "c"])
    two.join("a")
    assert one.rooms == {"a", "b", "c", one.id}
    one.to("a").emit("to a")
    two.to("a", "b").emit("to both")
    three.broadcast.emit("to all")
    three.except_("b").emit("not b")
    one.leave("a", three.id, one.id)
    assert one.rooms == {"b", "c", one.id}
    three.to("a").to(one.id).emit("last")
    server.settle()
    assert [each.received() for each in made] == [
        ['42["to both"]', '42["to all"]', '42["last"]'],
        ['42["to a"]', '42["to all"]', '42["not b"]', '42["last"]'],
        [],
    ]


def test_rooms_of_one_namespace_are_none_of_another(serve: Serve) -> None:
    server = serve(Echo, Chat)
    made, other = client(server), client(server)
    enter(other, "/chat")
    socket_of(server, other, "/chat").join("a")
    socket_of(server, made).to("a").emit("e")
    socket_of(server, made).broadcast.emit("all")
    assert other.received() == ['42["all"]']


def test_a_client_is_in_no_more_rooms_than_is_allowed_and_in_none_of_too_long_a_name(serve: Serve) -> None:
    server = serve(Echo, socketio_max_rooms=1)
    socket = socket_of(server, client(server))
    with pytest.raises(NotAllowed):
        socket.join("x" * 256)
    socket.join("a")
    socket.join("a")
    with pytest.raises(NotAllowed, match="1 rooms"):
        socket.join("b")
    assert socket.rooms == {"a", socket.id}
    assert server.server.counters.totals["refused", "socketio_max_rooms"] == 1


def test_what_is_volatile_is_lost_if_something_waits(serve: Serve) -> None:
    server = serve(Echo)
    polling, listening = Poller(server), client(server)
    (socket,) = (each for each in [socket_by_id(server, polling.id)])
    socket.volatile.emit("first")  # nothing waits
    socket.volatile.emit("second")
    socket_of(server, listening).volatile.broadcast.emit("third")
    socket.volatile.to("nobody").emit("x")
    assert polling.received() == ['42["first"]']
    assert server.server.counters.totals["dropped", "socketio: volatile"] == 1


def socket_by_id(server: Server, name: str) -> Socket:
    found = server.pipeline().socketio.namespaces["/"].sockets.values()  # type: ignore[attr-defined]
    return next(each for each in found if each.id == name)


def test_it_is_put_out_of_the_namespace_or_its_connection_ended(serve: Serve) -> None:
    server = serve(Echo, Chat)
    made = client(server)
    enter(made, "/chat")
    socket = socket_of(server, made, "/chat")
    socket.disconnect()
    socket.disconnect()
    socket.emit("never")
    assert made.received() == ["41/chat,"]
    assert made.is_open
    next(iter(server.pipeline().socketio.namespaces["/"].sockets.values())).disconnect(close=True)  # type: ignore[attr-defined]
    assert made.received() == ["41"]  # without it clients come again by themselves
    assert not made.is_open


def test_one_that_has_gone_is_called_in_vain_at_once_and_enters_nothing(serve: Serve) -> None:
    server = serve(Echo)
    made = client(server)
    socket = socket_of(server, made)
    made.abort()
    socket.emit("never")
    socket.join("a")
    with pytest.raises(NoAnswer, match="has gone"):
        server.result(socket.call("asked"))
    assert not server.pipeline().hub.channels


@pytest.mark.parametrize(("user", "shown"), [("ann", "ann"), (7, "7"), ({"id": 7}, None), (None, None), (True, None)])
def test_the_user_of_a_connection_is_that_of_its_socket_where_it_has_a_name(
    serve: Serve, user: Any, shown: str | None
) -> None:
    class SignIn(SocketIOConnectFilter):
        @classmethod
        def filter(cls, socket: Socket, data: Any) -> None:
            socket.user = user

    server = serve(SignIn, Echo)
    assert client(server).connection.user == shown

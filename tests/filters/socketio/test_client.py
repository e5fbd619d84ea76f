"""One client: its namespaces, its order, its limits, its end."""

from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from twisted.internet.defer import Deferred

from filtered_websocket.filters.base import WebSocketMessageFilter
from filtered_websocket.filters.socketio import (
    SocketIOConnectFilter,
    SocketIODisconnectFilter,
    SocketIOEventFilter,
)
from filtered_websocket.testing.server import Server
from tests.filters.socketio.clients import OLD, Chat, Echo, client, enter, socket_of, state
from tests.filters.ws_emit.clients import POLLING, Poller
from tests.filters.ws_emit.clients import socket as opened

Serve = Callable[..., Server]


class Went(SocketIODisconnectFilter):
    namespace = ("/", "/chat")
    reasons: ClassVar[list[str]] = []

    @classmethod
    def filter(cls, socket: Any, reason: str) -> None:
        cls.reasons.append(f"{socket.namespace} {reason}")


class Wait(SocketIOEventFilter):
    """Waits until the test says so."""

    event = "wait"
    waits: ClassVar[list[Deferred[str]]] = []

    @classmethod
    async def filter(cls, socket: Any) -> str:  # type: ignore[override]
        cls.waits.append(Deferred())
        return await cls.waits[-1]


@pytest.fixture(autouse=True)
def _forget() -> None:
    Went.reasons, Wait.waits = [], []


def test_a_namespace_that_no_filter_names_is_none(serve: Serve) -> None:
    server = serve(Echo, Chat)
    made = client(server)
    made.send("40/other,")
    assert made.received() == ['44/other,{"message":"Invalid namespace"}']
    enter(made, "/chat")
    made.send('421["echo",1]')
    assert made.received() == ["431[1]"]


def test_in_each_namespace_a_client_has_another_id_and_saying_so_twice_changes_nothing(serve: Serve) -> None:
    server = serve(Echo, Chat)
    made = client(server)
    first = made.sid  # type: ignore[attr-defined]
    enter(made, "/chat")
    second = made.sid  # type: ignore[attr-defined]
    assert first != second
    made.send("40/chat,")
    assert made.received() == [f'40/chat,{{"sid":"{second}"}}']
    assert len(state(server).namespaces["/chat"].sockets) == 1


def test_an_event_for_a_namespace_that_the_client_is_not_in_is_dropped_and_counted(serve: Serve) -> None:
    server = serve(Echo)
    made = opened(server, connect=False)
    made.send('421["echo"]')
    assert made.received() == []
    assert ("dropped", "socketio: for a namespace that the client is not in") in server.server.counters.totals


def test_a_client_that_joins_no_namespace_in_time_is_closed(serve: Serve) -> None:
    server = serve(Echo, socketio_connect_timeout=2)
    late, punctual, polling = opened(server, connect=False), client(server), Poller(server, connect=False)
    server.advance(1.9)
    assert late.is_open
    server.advance(0.2)
    assert not late.is_open
    assert punctual.is_open
    assert server.server.counters.totals["closed", "socketio_connect_timeout"] == 2
    assert polling.get().text == "1"
    assert polling.get().status == 400


def test_a_client_is_in_no_more_namespaces_than_is_allowed(serve: Serve) -> None:
    server = serve(Echo, Chat, socketio_max_namespaces=1)
    made = client(server)
    made.send("40/chat,")
    assert made.received() == ['44/chat,{"message":"Too many namespaces"}']
    assert server.server.counters.totals["refused", "socketio_max_namespaces"] == 1
    made.send("41")
    enter(made, "/chat")


def test_a_packet_with_too_many_attachments_ends_the_connection(serve: Serve) -> None:
    server = serve(Echo, Went, socketio_max_attachments=1)
    made = client(server)
    made.send('452-["echo"]')
    assert made.close_code == 1002
    assert server.server.counters.totals["closed", "socketio_max_attachments"] == 1
    assert Went.reasons == ["/ forced close"]


def test_events_of_one_client_are_handled_in_order_and_those_of_others_meanwhile(serve: Serve) -> None:
    server = serve(Echo, Wait)
    slow, other = client(server), client(server)
    slow.send('421["wait"]')
    slow.send('422["echo",2]')
    other.send('423["echo",3]')
    assert slow.received() == []
    assert other.received() == ["433[3]"]
    slow.send("3")  # a pong is heard all the same
    Wait.waits[0].callback("done")
    assert slow.received() == ['431["done"]', "432[2]"]


def test_a_client_that_floods_one_that_waits_is_read_no_further(serve: Serve) -> None:
    server = serve(Echo, Wait)
    made = client(server)
    made.send('42["wait"]')
    for number in range(40):
        made.send(f'42{number}["echo","{"x" * 4000}"]')
    waiting = state(server).namespaces["/"].sockets[made.connection.id]._client._turns  # type: ignore[attr-defined]
    assert waiting.size < 64 * 1024 + 5000
    Wait.waits[0].callback("")
    assert [packet[:4] for packet in made.received()] == [f"43{number}["[:4] for number in range(40)]


def test_a_filter_that_waits_is_cancelled_at_the_end_and_the_disconnect_filters_follow(serve: Serve) -> None:
    server = serve(Wait, Echo, Went)
    made = client(server)
    made.send('421["wait"]')
    made.send('422["echo",2]')
    made.abort()
    assert Wait.waits[0].called
    assert Went.reasons == ["/ transport close"]
    assert not state(server).namespaces


@pytest.mark.parametrize(
    ("does", "reason"),
    [
        (lambda server, made: made.send("41"), "client namespace disconnect"),
        (lambda server, made: socket_of(server, made).disconnect(), "server namespace disconnect"),
        (lambda server, made: socket_of(server, made).disconnect(True), "server namespace disconnect"),
        (lambda server, made: made.close(), "transport close"),
        (lambda server, made: made.send("41x"), "forced close"),
        (lambda server, made: server.advance(60), "ping timeout"),
    ],
)
def test_why_a_client_has_left(serve: Serve, does: Callable[[Server, Any], None], reason: str) -> None:
    server = serve(Echo, Went)
    made = client(server)
    does(server, made)
    server.settle()
    assert Went.reasons == [f"/ {reason}"]


def test_clients_of_a_server_that_stops_are_told_why(serve: Serve) -> None:
    server = serve(Echo, Went)
    client(server)
    server.__exit__(None, None, None)
    assert Went.reasons == ["/ server shutting down"]


def test_a_client_of_socketio_2_is_in_slash_without_asking_and_says_in_the_query_what_it_is(serve: Serve) -> None:
    seen: list[Any] = []

    class In(SocketIOConnectFilter):
        namespace = ("/", "/chat")

        @classmethod
        def filter(cls, socket: Any, auth: Any) -> None:
            seen.append((socket.namespace, socket.id, auth))

    server = serve(In, Echo, socketio_eio3=True)
    made = opened_old(server)
    made.send("40/chat?token=abc,")
    assert made.received() == ["40/chat,"]
    made.send('421["echo",{"a":1}]')
    assert made.received() == ['431[{"a":1}]']
    name = seen[0][1]
    assert seen == [("/", name, {}), ("/chat", f"/chat#{name}", {"token": "abc"})]
    made.send("40/no,")
    assert made.received() == ['44/no,"Invalid namespace"']
    made.send('451-7["echo",{"_placeholder":true,"num":0}]')
    made.send(b"\4xyz")
    assert made.received() == ['461-7[{"_placeholder":true,"num":0}]', b"\4xyz"]


def opened_old(server: Server) -> Any:
    made = server.connect(OLD)
    assert [packet[:2] for packet in made.received()] == ["0{", "40"]
    return made


def test_message_filters_before_the_pack_see_each_packet(serve: Serve) -> None:
    seen: list[bytes] = []

    class Watch(WebSocketMessageFilter):
        @classmethod
        def filter(cls, web_socket_instance: Any, data: bytearray) -> Any:
            seen.append(bytes(data))
            return data.replace(b"before", b"after")

    with Server(Watch, "filtered_websocket.filters.socketio", Echo, socketio_cors=["*"]) as server:
        made = client(server)
        made.send('421["echo","before"]')
        assert made.received() == ['431["after"]']
    assert seen == [b"40", b'421["echo","before"]']


def test_an_upgrade_takes_everything_along_also_an_event_that_is_being_handled(serve: Serve) -> None:
    server = serve(Echo, Wait, Went, Chat)
    polling = Poller(server)
    polling.post("40/chat,")
    polling.received()
    for socket in (each for local in state(server).namespaces.values() for each in local.sockets.values()):
        socket.join("room")
        socket.data["n"] = 1
    polling.post('421["wait"]')
    polling.post('422["echo",2]')
    ws = polling.websocket()
    ws.send("2probe")
    assert ws.received() == ["3probe"]
    ws.send("5")
    ws.received()
    assert Went.reasons == []
    state(server).namespaces["/chat"].sockets[ws.connection.id].emit("hi")
    Wait.waits[0].callback("done")
    assert ws.received() == ['42/chat,["hi"]', '431["done"]', "432[2]"]
    (socket,) = state(server).namespaces["/"].sockets.values()
    assert socket.rooms == {polling.id, "room"}
    assert socket.data == {"n": 1}
    socket.to("nobody").emit("x")
    ws.close()
    assert sorted(Went.reasons) == ["/ transport close", "/chat transport close"]
    server.advance(5)
    assert not state(server).namespaces
    assert not server.pipeline().hub.channels


def test_a_second_websocket_for_one_session_is_let_in_and_closed(serve: Serve) -> None:
    server = serve(Echo)
    polling = Poller(server)
    first, late = polling.websocket(), polling.websocket()
    first.send("2probe")
    first.send("5")
    later = polling.websocket()
    assert later.close_code == 1000
    late.send("2probe")
    assert not late.is_open
    assert first.is_open


def test_a_disconnect_filter_may_end_what_is_ending(serve: Serve) -> None:
    class Again(SocketIODisconnectFilter):
        reasons: ClassVar[list[str]] = []

        @classmethod
        def filter(cls, socket: Any, reason: str) -> None:
            cls.reasons.append(reason)
            socket.disconnect(True)

    server = serve(Again)
    polling = Poller(server)
    get = polling.get()
    assert polling.post("1").text == "ok"
    assert get.text == "6"
    client(server).close()
    assert Again.reasons == ["transport close", "transport close"]
    assert not server.server.counters.totals
    assert not server.pipeline().users


@pytest.mark.parametrize("protocol", [4, 3])
def test_a_client_that_is_put_out_while_it_upgrades_hears_it_by_its_websocket(serve: Serve, protocol: int) -> None:
    server = serve(Echo, socketio_eio3=True)
    polling = Poller(server, protocol == 4, POLLING.replace("EIO=4", f"EIO={protocol}"))
    (socket,) = state(server).namespaces["/"].sockets.values()
    ws = polling.websocket()
    ws.send("2probe")
    assert ws.received() == ["3probe"]
    socket.emit("bye", b"x")
    socket.disconnect(True)
    ws.send("5")
    bye = ['451-["bye",{"_placeholder":true,"num":0}]', b"x" if protocol == 4 else b"\4x"]
    assert ws.received() == [*bye, "41"]
    assert ws.close_code == 1000
    assert polling.get().status == 400
    hung_up = Poller(server)
    ws = hung_up.websocket()
    hung_up.post("1")
    ws.send("5")
    assert ws.close_code == 1002

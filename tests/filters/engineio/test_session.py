"""Sessions on either transport: users' filters in the chain, and what ends them."""

from typing import Any, ClassVar

import pytest

from filtered_websocket.errors import Close
from filtered_websocket.filters.base import (
    WebSocketConnectFilter,
    WebSocketConsumerFilter,
    WebSocketDisconnectFilter,
    WebSocketMessageFilter,
)
from filtered_websocket.messages.message import in_binary_message
from filtered_websocket.testing.server import Server
from tests.filters.ws_emit.clients import PACK, POLLING, Poller, ask, emit, socket


class Watch(WebSocketMessageFilter):
    """A user's filter before the pack: sees all, rewrites some."""

    seen: ClassVar[list[Any]] = []

    @classmethod
    def filter(cls, web_socket_instance: Any, data: bytearray) -> Any:
        cls.seen.append((web_socket_instance.id, bytes(data), in_binary_message.get()))
        if b"secret-room" in data:
            return data.replace(b"secret-room", b"other-room")
        if b"rewrite" in data:
            return '427["leave",{"room":"a"}]'
        if b"raise" in data:
            raise RuntimeError("of a user's filter")
        if b"close" in data:
            raise Close(1008, "go")
        return None


class Came(WebSocketConnectFilter):
    lives: ClassVar[list[Any]] = []

    @classmethod
    def filter(cls, web_socket_instance: Any, data: None) -> None:
        cls.lives.append(("came", web_socket_instance.id, web_socket_instance.id in web_socket_instance.users))


class Went(WebSocketDisconnectFilter):
    @classmethod
    def filter(cls, web_socket_instance: Any, data: None) -> None:
        Came.lives.append(("went", web_socket_instance.id, web_socket_instance.id in web_socket_instance.users))


class Shout(WebSocketConsumerFilter):
    """A user's filter before the pack: what programs emit may be changed."""

    @classmethod
    def filter(cls, web_socket_instance: Any, data: Any) -> Any:
        if isinstance(data, dict) and b"whisper" in data["data"]:
            return {**data, "data": data["data"].replace(b"whisper", b"SHOUT")}
        return None


@pytest.fixture
def watched() -> Any:
    Watch.seen, Came.lives = [], []
    with Server(Came, Watch, Shout, PACK, Went, ws_emit_secret="123") as running:
        yield running


def test_a_users_filter_sees_the_packets_of_either_transport_alike_and_can_rewrite_them(watched: Server) -> None:
    ws, polling = socket(watched, connect=False), Poller(watched, connect=False)
    ws.send("40")
    ws.send('421["join",{"room":"secret-room"}]')
    ws.send('451-["x",{"_placeholder":true,"num":0}]')
    ws.send(b"\1\xff")
    ws.send("rewrite")
    polling.post(
        "40", '421["join",{"room":"secret-room"}]', '451-["x",{"_placeholder":true,"num":0}]', "bAf8=", "rewrite"
    )
    assert [each for _, *each in Watch.seen[:5]] == [each for _, *each in Watch.seen[5:]]
    assert Watch.seen[3][1:] == (b"\1\xff", True)
    emit(watched, event="e", room="secret-room", secret="123")
    emit(watched, event="e", room="other-room", secret="123")
    assert ws.received()[1:] == ["431[]", "437[]", '42["e"]']
    assert polling.received()[1:] == ["431[]", "437[]", '42["e"]']


def test_a_users_filter_can_change_what_programs_emit(watched: Server) -> None:
    client = socket(watched)
    emit(watched, event="whisper", secret="123")
    assert client.received() == ['42["SHOUT"]']


@pytest.mark.parametrize(("packet", "code"), [("raise", 1011), ("close", 1008)])
def test_a_users_filter_that_raises_ends_the_session(watched: Server, packet: str, code: int) -> None:
    ws, polling, bystander = socket(watched), Poller(watched), Poller(watched)
    get = polling.get()
    ws.send(packet)
    assert polling.post(packet, '421["leave",{}]').status == 200
    assert ws.close_code == code
    assert get.text == "1"
    assert polling.get().status == 400
    errors = watched.errors
    assert len(errors) == (2 if packet == "raise" else 0)
    assert all("of a user's filter" in error for error in errors)
    assert bystander.get().waits


def test_a_session_is_one_connection_that_comes_and_goes(watched: Server) -> None:
    ws, polling = socket(watched), Poller(watched)
    polling.post("1")
    ws.close()
    assert not ws.is_open
    polled, connected = polling.id, ws.sid  # type: ignore[attr-defined]
    assert Came.lives == [
        ("came", connected, True),
        ("came", polled, True),
        ("went", polled, False),
        ("went", connected, False),
    ]


def test_an_upgrade_is_a_new_connection_of_the_same_id(watched: Server) -> None:
    polling = Poller(watched)
    ws = polling.websocket()
    ws.send("2probe")
    ws.send("5")
    ws.sync()
    assert [what for what, *_ in Came.lives] == ["came", "came", "went"]
    assert {each for _, each, _ in Came.lives} == {polling.id}
    assert watched.pipeline().users[polling.id] is ws.connection
    ws.close()
    assert [what for what, *_ in Came.lives] == ["came", "came", "went", "went"]
    assert not watched.pipeline().users


def test_a_ping_with_more_than_a_probe_has_ends_the_session(server: Server) -> None:
    client = server.connect("/socket.io/?EIO=3&transport=websocket")
    client.received()
    client.send("2" + "x" * 254)
    assert client.received() == ["3" + "x" * 254]
    client.send("2" + "x" * 255)
    assert client.received() == []
    assert client.close_code == 1002


def test_a_client_of_engine_io_3_polls(server: Server) -> None:
    client = Poller(server, connect=False, uri="/socket.io/?EIO=3&transport=polling")
    assert client.greeting.endswith("2:40")
    client.post('26:421["join",{"room":"é😀"}]')
    assert client.get().text == "5:431[]"
    emit(server, event="é", room="é😀", secret="123")
    assert client.get().text == '12:42["\\u00e9"]'
    client.post("5:4abcd")
    assert client.get().status == 400


def test_an_application_ends_once_though_disconnect_filters_run_later() -> None:
    class Counting:
        ends = 0

        def end(self) -> dict[str, Any]:
            self.ends += 1
            return {"rooms": []}

    with Server(PACK) as server:
        socket(server)
        (connection,) = server.pipeline().users.values()
        session: Any = connection.session  # type: ignore[attr-defined]
        application = session.application = Counting()
        assert [session.leave().application for _ in range(2)] == [{"rooms": []}, {}]
        assert application.ends == 1


@pytest.mark.parametrize("heard", [False, True])
def test_a_get_that_is_read_when_its_session_is_due_to_end_comes_too_late(heard: bool) -> None:
    with Server(PACK, ws_emit_eio3=True) as server:
        gets: list[Any] = []
        server.reactor.callLater(45, lambda: gets.append(client.get()))  # in front of the session's own timer
        client = Poller(server, connect=False, uri=POLLING.replace("EIO=4", "EIO=3"))
        server.advance(44)
        if heard:
            ask(server, "POST", client.uri, "1:2")
            assert client.get().text == "1:3"
        server.advance(1)
        (get,) = gets
        assert get.waits if heard else get.status == 400

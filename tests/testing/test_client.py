"""The client in memory: what it sends, gets, and is told of its end."""

import pytest
from twisted.internet import reactor
from twisted.internet.task import deferLater

from filtered_websocket.errors import Close, Reject
from filtered_websocket.filters.base import WebSocketConnectFilter, WebSocketHandshakeFilter, WebSocketMessageFilter
from filtered_websocket.testing.client import Refused
from filtered_websocket.testing.server import Server
from tests.support.small_filters import BROADCAST, Echo, Greet, Note, gone


class Farewell(WebSocketMessageFilter):
    @classmethod
    def filter(cls, web_socket_instance, data):
        raise Close(4001, "farewell")


class Secret(WebSocketHandshakeFilter):
    @classmethod
    def filter(cls, web_socket_instance, data):
        if data.headers.get("authorization") != "Bearer x":
            raise Reject(401, "Log in first", (("WWW-Authenticate", "Bearer"),))


class Choose(WebSocketHandshakeFilter):
    @classmethod
    def filter(cls, web_socket_instance, data):
        web_socket_instance.accept(data.protocols[-1], [("X-Path", data.path)])


class SlowDoor(WebSocketHandshakeFilter):
    @classmethod
    async def filter(cls, web_socket_instance, data):
        await deferLater(reactor, 1)
        if data.params.get("refuse"):
            raise Reject(403, "Not you")


def test_what_one_client_sends_another_receives():
    with Server(BROADCAST) as server:
        a, b = server.connect(), server.connect("/room")
        a.send("hi")
        assert b.received() == ["hi"]
        assert a.received() == []


def test_text_stays_text_and_binary_stays_binary():
    with Server(Echo) as server:
        client = server.connect()
        client.send("text")
        client.send(b"\xff\x00")
        assert client.received() == ["text", b"\xff\x00"]


def test_what_was_received_is_told_once():
    with Server(Greet) as server:
        client = server.connect()
        assert client.received() == ["you are 1"]
        assert client.received() == []


def test_a_refused_handshake_raises_with_all_that_the_client_got():
    with Server(Secret, Echo) as server:
        with pytest.raises(Refused, match="401 Log in first") as refused:
            server.connect()
        assert refused.value.status == 401
        assert refused.value.headers["WWW-Authenticate"] == "Bearer"
        assert refused.value.body == b"Log in first\n"
        server.connect(headers={"Authorization": "Bearer x"}).sync()


def test_the_request_carries_path_query_headers_and_protocols():
    with Server(Choose) as server:
        client = server.connect("/a%20b?x=1", {"Host": "example.org", "X-A": "b"}, protocols=["one", "two"])
        assert client.protocol == "two"
        assert client.response_headers["X-Path"] == "/a b"
        request = client.connection.request
        assert (request.params, request.host, request.headers["x-a"]) == ({"x": ["1"]}, "example.org", "b")


def test_a_handshake_filter_may_wait_and_then_refuse():
    with Server(SlowDoor, Greet) as server:
        admitted, refused = server.connect(), server.connect("/?refuse=1")
        assert not admitted.is_open
        with pytest.raises(ConnectionError, match="a filter waits"):
            admitted.send("too early")
        server.advance(1)
        assert admitted.received() == ["you are 1"]
        with pytest.raises(Refused, match="403 Not you"):
            refused.received()


def test_close_code_and_reason_are_those_of_the_server():
    with Server(Farewell) as server:
        client = server.connect()
        assert (client.is_open, client.close_code, client.close_reason) == (True, None, None)
        client.send("x")
        assert (client.is_open, client.close_code, client.close_reason) == (False, 4001, "farewell")
        with pytest.raises(ConnectionError, match="4001 farewell"):
            client.send("again")


def test_the_disconnect_chain_hears_how_a_client_left():
    gone.clear()
    with Server(Note) as server:
        server.connect().close(3000, "enough")
        assert gone == [(3000, "enough")]
        server.connect().abort()
        assert gone[1][0] == 1006
        assert not server.pipeline().users
        server.connect()
    assert gone[2] == (1001, "server is stopping")


def test_a_client_that_pongs_lives_and_one_that_is_cut_off_is_noticed():
    with Server(Echo, ping_interval=10, ping_timeout=5) as server:
        client = server.connect()
        server.advance(300)
        assert client.is_open


def large(size=100_000):
    class Large(WebSocketMessageFilter):
        @classmethod
        def filter(cls, web_socket_instance, data):
            web_socket_instance.publish("room", b"x" * size)

    class Join(WebSocketConnectFilter):
        @classmethod
        def filter(cls, web_socket_instance, data):
            return web_socket_instance.subscribe("room")

    return Large, Join


def test_a_client_that_reads_nothing_gets_all_when_it_reads_again():
    with Server(*large(10)) as server:
        stalled, other = server.connect(), server.connect()
        stalled.stall()
        for _ in range(3):
            other.send("x")
        stalled.send("it sends all the same")
        assert len(other.received()) == 4
        assert stalled.received() == []
        assert stalled.connection.pending == 4 * 12
        stalled.read_on()
        assert len(stalled.received()) == 4
        assert stalled.connection.pending == 0
        other.send("x")
        assert len(stalled.received()) == 1


def test_a_client_that_reads_nothing_is_too_slow_by_bytes_or_by_time():
    with Server(*large(), send_buffer=150_000, send_timeout=20, ping_interval=0) as server:
        heavy, late, other = server.connect(), server.connect(), server.connect()
        heavy.stall()
        for _ in range(4):
            other.send("x")
        assert heavy.close_code == 1006
        late.stall()
        server.advance(60)
        assert late.is_open  # nothing waits for it
        late.connection.sendMessage("little")
        server.advance(19)
        assert late.is_open
        server.advance(3)
        assert late.close_code == 1006
        assert other.is_open
        assert server.server.counters.totals["closed", "slow client"] == 2


def test_messages_are_dropped_for_a_client_that_reads_nothing_by_the_policy_of_its_channel():
    channels = {"room": {"slow": "latest"}}
    with Server(*large(), send_buffer=150_000, channels=channels) as server:
        stalled, other = server.connect(), server.connect()
        stalled.stall()
        for _ in range(5):
            other.send("x")
        stalled.read_on()
        assert 1 <= len(stalled.received()) < 5
        assert stalled.is_open


def test_a_server_ends_whose_clients_read_nothing():
    with Server(*large()) as server:
        stalled, closing = server.connect(), server.connect()
        stalled.stall()
        closing.stall()
        closing.send("x")
        closing.close()
        assert closing.close_code is None
    assert stalled.close_code == closing.close_code == 1006

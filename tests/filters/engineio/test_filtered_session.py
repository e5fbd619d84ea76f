"""A session that is to filters what a connection is."""

from typing import Any, ClassVar

from twisted.internet.defer import Deferred

from filtered_websocket.filters.base import (
    WebSocketConnectFilter,
    WebSocketDisconnectFilter,
    WebSocketHandshakeFilter,
    WebSocketMessageFilter,
)
from filtered_websocket.storage_objects.base import StorageAway
from filtered_websocket.testing.server import Server
from tests.filters.ws_emit.clients import PACK, POLLING, Poller, ask


class Slow(WebSocketMessageFilter):
    """Waits until it is told to go on."""

    waiting: ClassVar[list[Any]] = []

    @classmethod
    def filter(cls, web_socket_instance: Any, data: bytearray) -> Any:
        if b"slow" not in data:
            return None
        cls.waiting.append(Deferred())
        return cls.waiting[-1]


def test_later_posts_of_a_client_wait_for_a_filter_that_waits() -> None:
    Slow.waiting = []
    with Server(Slow, PACK) as server:
        client = Poller(server)
        first, second = client.post('421["slow"]', '422["x"]'), client.post('423["x"]')
        assert first.waits
        assert second.waits
        get = client.get()
        server.advance(29)
        assert get.waits  # the heartbeat of a session that is busy stands still
        Slow.waiting[0].callback(None)
        assert (first.text, second.text) == ("ok", "ok")
        assert get.text == "431[]\x1e432[]\x1e433[]"


def test_a_filter_that_hangs_ends_the_session_in_its_time() -> None:
    Slow.waiting = []
    with Server(Slow, PACK, filter_timeout=5) as server:
        client = Poller(server)
        post = client.post('421["slow"]')
        server.advance(5)
        assert post.status == 200
        assert client.get().text == "1"
        assert client.get().status == 400
        (error,) = server.errors
        assert "TimeoutError: the filter took longer than 5 s (filter_timeout)" in error


class Door(WebSocketHandshakeFilter):
    """Never says whether it lets a client in."""

    @classmethod
    def filter(cls, web_socket_instance: Any, data: Any) -> Any:
        return Deferred()


def test_a_handshake_filter_that_hangs_refuses_the_session_in_its_time() -> None:
    with Server(Door, PACK, filter_timeout=5) as server:
        asked = ask(server, "GET", POLLING)
        server.advance(5)
        assert asked.status == 500
        (error,) = server.errors
        assert "TimeoutError: the filter took longer than 5 s (filter_timeout)" in error


def test_a_client_that_goes_away_while_a_filter_waits_is_gone() -> None:
    Slow.waiting = []
    with Server(Slow, PACK) as server:
        client = Poller(server)
        client.post('421["slow"]').go_away()
        assert Slow.waiting[0].called
        assert client.get().status == 400


class Away(WebSocketMessageFilter):
    @classmethod
    def filter(cls, web_socket_instance: Any, data: bytearray) -> None:
        if b"away" in data:
            raise StorageAway("not now")


def test_while_storage_is_away_a_session_ends_without_a_traceback() -> None:
    with Server(Away, PACK) as server:
        client = Poller(server)
        client.post('42["away"]')
        assert client.get().text == "1"
        assert server.errors == []


class Use(WebSocketConnectFilter):
    """Does with a session what filters do with a connection."""

    @classmethod
    def filter(cls, web_socket_instance: Any, data: None) -> Any:
        session = web_socket_instance
        assert session.users[session.id] is session
        assert session.request.path == "/socket.io/"
        assert session.storage_object is session.pipeline.storage_object
        assert session.queue is session.pipeline.queue
        session.sendMessage("6")
        session.publish("mine", "4x", exclude=session.id)
        return session.subscribe("mine")


def test_a_session_is_to_filters_what_a_connection_is() -> None:
    with Server(PACK, Use) as server:
        client = Poller(server, connect=False)
        assert client.greeting.split("\x1e")[1:] == ["6"]
        get = client.get()
        server.pipeline().publish("mine", ["4a", "4b"])
        assert get.text == "4a\x1e4b"
        session = server.pipeline().users[next(iter(server.pipeline().users))]
        session.unsubscribe("mine")
        server.pipeline().publish("mine", "4c")
        assert client.get().waits
        session.loseConnection()
        assert not server.pipeline().users
        assert not server.pipeline().hub.channels


class Judge(WebSocketHandshakeFilter):
    waiting: ClassVar[list[Any]] = []

    @classmethod
    def filter(cls, web_socket_instance: Any, data: Any) -> Any:
        cls.waiting.append(Deferred())
        return cls.waiting[-1]


class Went(WebSocketDisconnectFilter):
    seen: ClassVar[list[str]] = []

    @classmethod
    def filter(cls, web_socket_instance: Any, data: None) -> None:
        cls.seen.append(web_socket_instance.id)


def test_a_client_that_goes_while_a_handshake_filter_judges_it_is_no_failure() -> None:
    Judge.waiting, Went.seen = [], []
    with Server(PACK, Judge, Went, max_connections=1) as server:
        get = ask(server, "GET", POLLING)
        assert get.waits
        get.go_away()
        assert Judge.waiting[0].called  # by its cancellation
        assert server.errors == []
        assert not server.server.counters.totals
        assert Went.seen == []  # it was never connected
        # Its place is another's.
        other = ask(server, "GET", POLLING)
        Judge.waiting[1].callback(None)
        assert other.status == 200

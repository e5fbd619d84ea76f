"""One connect chain and one disconnect chain, however a connection ends."""

from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import CancelledError, Deferred

from filtered_websocket.errors import Close
from filtered_websocket.filters.base import (
    FilterMeta,
    WebSocketConnectFilter,
    WebSocketDisconnectFilter,
    WebSocketHandshakeFilter,
)
from filtered_websocket.testing.server import Server as MemoryServer
from tests.support import certificates
from tests.support.raw_client import CLOSE, PING, PONG, TEXT, Frame, close_frame, close_of, frame
from tests.support.reactor_thread import call, until
from tests.support.serving import Events, a_turn, is_waiting, logged, on_message, pairing, serving

FOREVER = 600


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("when", ["before its first await", "while it is awaited", "from elsewhere"])
def test_close_during_a_wait_is_seen_at_once_and_answered(when: str, tls: bool, tmp_path: Path) -> None:
    files = certificates.write(tmp_path)
    options: dict[str, Any] = {"key": files.key, "cert": files.cert} if tls else {}
    events = Events()

    async def wait(connection: Any, data: bytearray) -> None:
        if when == "before its first await":
            connection.close(4000, "enough")
        elif when == "while it is awaited":
            await a_turn()
            connection.close(4000, "enough")
        try:
            await Deferred()
        except CancelledError:
            events.tell("cancelled")
            raise

    # No time-out helps: the peer's answer itself must end the connection.
    options |= {"close_timeout": FOREVER, "filter_timeout": FOREVER}
    with serving(on_message(wait), *pairing(events), **options) as served, served.open() as client:
        client.send("go", "behind")
        if when == "from elsewhere":
            until(is_waiting, served)
            call(served.connection().close, 4000, "enough")
        assert client.closed() == (4000, "enough")
        assert [events.next(), events.next(), events.next()] == ["open", "cancelled", (4000, "enough")]
        served.until_empty()


def test_lose_connection_during_a_wait_over_tls_ends_the_connection(tmp_path: Path) -> None:
    files = certificates.write(tmp_path)

    async def lose(connection: Any, data: bytearray) -> None:
        await a_turn()
        connection.loseConnection()
        await a_turn()

    options = {"key": files.key, "cert": files.cert, "close_timeout": FOREVER}
    with serving(on_message(lose), **options) as served, served.open() as client:
        client.send("go")
        assert client.closed() == (1000, "")
        served.until_empty()


def test_what_was_sent_and_published_before_a_close_arrives_before_it() -> None:
    def last_words(connection: Any, data: bytearray) -> None:
        connection.subscribe("news")
        connection.publish("news", "published")
        connection.sendMessage("sent")
        connection.publish("news", "published again")
        connection.close(4000, "then closed")
        connection.sendMessage("too late")

    with serving(on_message(last_words)) as served, served.open() as client:
        client.send("go")
        assert [client.text(), client.text(), client.text()] == ["published", "sent", "published again"]
        assert client.closed() == (4000, "then closed")
        assert served.counted("dropped", "sent to a closed connection") == 1


ENDINGS = {
    "closed by the client": (lambda client: client.send(close_frame(4000, "bye")), (4000, "bye")),
    "closed with an empty frame": (lambda client: client.send(close_frame(None)), (1005, "")),
    "aborted by a filter": (lambda client: client.send("abort"), (1006, "")),
    "lost by a filter": (lambda client: (client.send("lose"), client.closed()), (1000, "")),
    "reset": (lambda client: client.reset(), (1006, None)),
    "half a frame, then the end": (lambda client: (client.send(b"\x81\xff\x00"), client.socket.close()), (1006, None)),
    "unmasked": (lambda client: client.send(frame("x", mask=None)), (1002, "unmasked client-to-server frame")),
    "no UTF-8": (lambda client: client.send(frame(b"\xff", TEXT)), (1007, None)),
    "reserved bits": (lambda client: client.send(frame("x", rsv=2)), (1002, None)),
    "an unknown opcode": (lambda client: client.send(frame(b"x", 5)), (1002, None)),
    "a continuation of nothing": (lambda client: client.send(frame(b"x", 0)), (1002, None)),
    "a ping in fragments": (lambda client: client.send(frame(b"x", PING, fin=False)), (1002, None)),
    "a ping too long": (lambda client: client.send(frame(b"x" * 126, PING)), (1002, None)),
    "a close code that may not be": (lambda client: client.send(close_frame(1005)), (1002, None)),
    "a close reason that is no text": (lambda client: client.send(frame(b"\x03\xe8\xff", CLOSE)), (1007, None)),
    "too large": (lambda client: client.send("x" * 2000), (1009, None)),
    "too large in fragments": (
        lambda client: client.send(*(frame(b"x" * 600, 0 if n else TEXT, fin=False) for n in range(2))),
        (1009, None),
    ),
}


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("ending", ENDINGS)
def test_a_connection_that_was_opened_is_closed_once_however_it_ends(ending: str, tls: bool, tmp_path: Path) -> None:
    files = certificates.write(tmp_path)
    options: dict[str, Any] = {"key": files.key, "cert": files.cert} if tls else {}
    events = Events()
    end, (code, reason) = ENDINGS[ending]

    def obey(connection: Any, data: bytearray) -> None:
        (connection.abortConnection if data == b"abort" else connection.loseConnection)()

    with serving(on_message(obey), *pairing(events), max_message_size=1000, **options) as served:
        client = served.open()
        end(client)
        if client.socket.fileno() >= 0 and code != 1006 and ending != "lost by a filter":
            assert client.closed()[0] == (None if code == 1005 else code)
        assert events.next() == "open"
        seen = events.next()
        assert seen[0] == code
        assert reason is None or seen[1].startswith(reason)
        served.until_empty()
        assert events.none_is_left()
        client.socket.close()


def test_a_connect_filter_that_raises_is_paired_with_a_disconnect() -> None:
    events = Events()

    class Refuses(WebSocketConnectFilter):
        @classmethod
        def filter(cls, connection: Any, data: None) -> None:
            raise Close(4003, "not today")

    with serving(Refuses, *pairing(events)) as served, served.open() as client:
        assert client.closed() == (4003, "not today")
        assert events.next() == (4003, "not today")
        assert events.none_is_left()


@pytest.mark.parametrize("waits", [False, True])
def test_a_connect_filter_that_returns_false_is_named_and_ends_the_connection(waits: bool) -> None:
    events = Events()

    class Refuses(WebSocketConnectFilter):
        @classmethod
        def filter(cls, connection: Any, data: None) -> Any:
            return a_turn().addCallback(lambda _: False) if waits else False

    with logged() as lines, serving(Refuses, *pairing(events)) as served, served.open() as client:
        assert client.closed() == (1011, "")
        assert [events.next(), events.next()] == ["open", (1011, "")]
        assert served.counted("failed", "filter") == 1
    said = "".join(lines)
    assert "Refuses.filter (tests/connection/test_lifecycle.py, line " in said
    assert "returned bool, and None (raise Close to end it) is wanted" in said


def test_a_client_that_goes_while_its_connect_filter_waits_is_cancelled_then_disconnected() -> None:
    events = Events()

    class Greets(WebSocketConnectFilter):
        @classmethod
        async def filter(cls, connection: Any, data: None) -> None:
            events.tell("waits")
            try:
                await Deferred()
            except CancelledError:
                events.tell("cancelled")
                raise

    with serving(Greets, *pairing(events)) as served, served.open():
        assert events.next() == "waits"
        # Reading is paused, so the end of a client itself is not seen; what ends the connection here is the server.
        call(served.connection().abortConnection)
        assert [events.next(), events.next()] == ["cancelled", (1006, "")]
        served.until_empty()
        assert served.counted("failed", "filter") == 0


def test_a_failing_disconnect_filter_does_not_keep_the_next_from_running() -> None:
    events = Events()

    class Fails(WebSocketDisconnectFilter):
        @classmethod
        async def filter(cls, connection: Any, data: None) -> None:
            await a_turn()
            raise RuntimeError("no")

    with serving(Fails, *pairing(events)) as served:
        served.open().quit()
        assert [events.next(), events.next()] == ["open", (1000, "")]
        assert served.counted("failed", "filter") == 1


class Names(WebSocketHandshakeFilter):
    @classmethod
    def filter(cls, connection: Any, request: Any) -> None:
        connection.id = request.params["name"][0]


def joins(connection: Any, data: bytearray) -> None:
    connection.subscribe("news")
    connection.publish("news", data)


@pytest.mark.parametrize("answers", [True, False])
def test_a_connection_that_loses_its_id_to_a_later_one_is_closed_and_counted(answers: bool) -> None:
    events = Events()
    with serving(Names, on_message(joins), *pairing_of_ids(events)) as served:
        ann = served.open("/?name=ann")
        ann.send("first")
        assert ann.text() == "first"
        again = served.open("/?name=ann")
        assert served.counted("closed", "id taken by a later connection") == 1
        again.send("second")
        assert again.text() == "second"
        # It is never silently deaf, and when it ends it takes nothing along that is the later one's.
        if answers:
            assert ann.closed() == (1008, "id taken by a later connection")
        else:
            got = ann.receive()
            assert got is not None
            assert close_of(got)[0] == 1008
            ann.socket.close()
        assert events.next() == ("ann", 1008)
        assert list(call(lambda: dict(served.users))) == ["ann"]
        call(served.server.pipelines[0].publish, "news", "third")
        assert again.text() == "third"
        again.quit()
        assert events.next()[0] == "ann"
        served.until_empty()


def pairing_of_ids(events: Events) -> tuple[FilterMeta, ...]:
    class Ended(WebSocketDisconnectFilter):
        @classmethod
        def filter(cls, connection: Any, data: None) -> None:
            events.tell((connection.id, connection.close_code))

    return (Ended,)


def test_of_many_connections_that_open_with_one_id_the_last_stays() -> None:
    with serving(Names, on_message(joins)) as served:
        clients = []
        for _ in range(20):
            clients.append(served.open("/?name=ann"))
            clients[-1].send("here")
        assert clients[-1].text() == "here"
        for each in clients[:-1]:
            while (got := each.receive()) is not None and got.opcode != CLOSE:
                pass
            assert got is not None
            assert close_of(got)[0] == 1008
        assert served.counted("closed", "id taken by a later connection") == 19


def test_a_client_that_does_not_answer_a_ping_is_gone_with_1006() -> None:
    events = Events()
    with serving(*pairing(events), ping_interval=FOREVER, ping_timeout=2) as served, served.open() as client:
        connection = served.connection()
        heartbeat = served.server.heartbeat

        def tick_until_pinged() -> None:
            while connection.awaiting_pong is not True:
                heartbeat._tick()

        call(tick_until_pinged)
        assert client.receive_any() == Frame(PING, b"")
        client.send(frame(b"", PONG))
        until(lambda: connection.awaiting_pong is False)
        call(tick_until_pinged)
        assert client.receive_any() == Frame(PING, b"")
        call(lambda: (heartbeat._tick(), heartbeat._tick()))
        client.ended()
        assert [events.next(), events.next()] == ["open", (1006, "no answer to a ping")]
        assert served.counted("closed", "ping timeout") == 1


def test_a_disconnect_filter_has_the_time_of_any_filter_and_then_the_next_runs() -> None:
    ran: list[str] = []

    class Hangs(WebSocketDisconnectFilter):
        @classmethod
        async def filter(cls, connection: Any, data: None) -> None:
            await Deferred()

    class Next(WebSocketDisconnectFilter):
        @classmethod
        def filter(cls, connection: Any, data: None) -> None:
            ran.append("next")

    with MemoryServer(Hangs, Next, filter_timeout=5) as server:
        server.connect().close()
        server.advance(4)
        assert ran == []
        server.advance(1)
        assert ran == ["next"]
        (error,) = server.errors
        assert "the filter took longer than 5 s (filter_timeout)" in error
        assert not server.server._ending

"""A client leaves while something of it waits: its end is noticed at once, on every reactor and every kind of socket.

What waits is a filter, or a rate; an HTTP client that has only closed its own side still gets its answer.
"""

import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from filtered_websocket.transport.installing import REACTORS
from tests.support import certificates
from tests.support.fws_server import FwsServer, Start
from tests.support.raw_client import RawClient, close_frame, close_of, head, wait_until

EVERYWHERE = [
    *((reactor, "plain") for reactor in REACTORS if reactor != "auto"),
    *((reactor, kind) for reactor in ("lean", "asyncio") for kind in ("tls", "unix")),
]

AT_ONCE = 5.0
"""Seconds, on a busy machine; the time that filters have is ten minutes."""

FILTERS = """
    from twisted.internet import reactor
    from twisted.internet.defer import Deferred
    from twisted.internet.task import deferLater

    from filtered_websocket.filters.base import *
    from filtered_websocket.web.base import Endpoint

    def say(*words):
        print(*words, flush=True)

    async def wait(path):
        say("began", path)
        try:
            await Deferred()
        except BaseException:
            say("cancelled", path)
            raise

    class Decides(WebSocketHandshakeFilter):
        @classmethod
        async def filter(cls, connection, request):
            if request.path.startswith("/handshake"):
                await wait(request.path)

    class Opens(WebSocketConnectFilter):
        @classmethod
        async def filter(cls, connection, data):
            if connection.request.path.startswith("/connect"):
                await wait(connection.request.path)

    class Hears(WebSocketMessageFilter):
        @classmethod
        async def filter(cls, connection, data):
            if data == b"wait":
                await wait(connection.request.path)
            elif data == b"soon":
                await deferLater(reactor, 0.05)
                say("heard", connection.request.path)

    class Ended(WebSocketDisconnectFilter):
        @classmethod
        def filter(cls, connection, data):
            say("ended", connection.request.path, connection.close_code, len(connection.users))

    class Slow(Endpoint):
        path = "/slow"
        methods = ("GET", "POST")

        @classmethod
        async def handle(cls, pipeline, request):
            say("asked")
            await deferLater(reactor, 0.3)
            return request.body + b"answer"

    class Polled(Endpoint):
        path = "/polled"
        long_poll = ("GET",)

        @classmethod
        async def handle(cls, pipeline, request):
            await wait(request.path)
"""

DATA_FILTER = """
    class Bytes(WebSocketDataFilter):
        @classmethod
        async def filter(cls, connection, data):
            if b"wait" in data:
                await wait("/data")
            await deferLater(reactor, 0)
"""


def begin(fws_server: Start, folder: Path, reactor: str, kind: str, *options: str, more: str = "") -> tuple[Any, ...]:
    """A server, and what makes a client of it."""
    if kind == "tls":
        files = certificates.write(folder)
        options += ("-key", files.key, "-cert", files.cert)
    elif kind == "unix":
        options += ("--host", f"unix:{folder}/s")
    options += ("--filter_timeout", "600", "--ping_interval", "0", "--close_timeout", "600")
    server = fws_server("-f", "my_filters", "--reactor", reactor, *options, module=FILTERS + more)
    address = f"{folder}/s" if kind == "unix" else ("127.0.0.1", server.port)
    return server, lambda: RawClient(address, kind == "tls")


def fin(client: RawClient) -> None:
    client.socket.close()


def half(client: RawClient) -> None:
    """Only its own side, and TLS without a close alert: the client could still read."""
    # Past the method of an SSLSocket, which would read no TLS any more.
    socket.socket.shutdown(client.socket, socket.SHUT_WR)


def close(client: RawClient) -> None:
    """The closing handshake, which is answered."""
    client.send(close_frame(1000, "bye"))
    client.socket.settimeout(AT_ONCE)
    closing = client.receive()
    assert closing is not None
    assert close_of(closing) == (1000, "bye")
    client.ended()


LEAVE: dict[str, Callable[[RawClient], None]] = {"fin": fin, "rst": RawClient.reset, "half": half, "close": close}


def printed(server: FwsServer, text: str) -> None:
    wait_until(lambda: text in server.printed, AT_ONCE)


@pytest.mark.parametrize(("reactor", "kind"), EVERYWHERE)
def test_a_client_that_leaves_ends_what_it_waits_for(
    fws_server: Start, tmp_path: Path, reactor: str, kind: str
) -> None:
    server, connect = begin(fws_server, tmp_path, reactor, kind)
    for how, leave in LEAVE.items():
        for what in ("handshake", "connect", "message", "flood"):
            if how == "close" and what in ("handshake", "flood"):
                continue  # before the 101 there is no close frame; behind a flood it is not read
            path = f"/{what}/{how}"
            with connect() as client:
                if what == "handshake":
                    client.send(head(path))
                else:
                    client.open(path)
                if what in ("message", "flood"):
                    client.send("wait")
                printed(server, f"began {path}")
                if what == "flood":
                    # More than is read ahead: reading pauses, and the end lies behind what is not read.
                    client.send(*["x" * 1000] * 100)
                leave(client)
                printed(server, f"cancelled {path}")
                if what != "handshake":
                    printed(server, f"ended {path} {1000 if how == 'close' else 1006} 0")
    assert "Traceback" not in server.log
    assert "failed" not in server.log


@pytest.mark.parametrize(("reactor", "kind"), [("lean", "plain"), ("lean", "tls"), ("asyncio", "plain")])
def test_a_client_that_leaves_while_a_data_filter_waits(
    fws_server: Start, tmp_path: Path, reactor: str, kind: str
) -> None:
    server, connect = begin(fws_server, tmp_path, reactor, kind, more=DATA_FILTER)
    for count, how in enumerate(("fin", "rst", "half"), 1):
        with connect() as client:
            client.open(f"/{how}").socket.sendall(b"wait")
            wait_until(lambda count=count: server.printed.count("began /data") == count)  # type: ignore[misc]
            LEAVE[how](client)
            printed(server, f"ended /{how} 1006 0")
            assert server.printed.count("cancelled /data") == count
    with connect() as client:
        client.send(b"POST /slow HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\nbody")
        half(client)
        assert client.body().endswith(b"bodyanswer")


@pytest.mark.parametrize(("reactor", "kind"), EVERYWHERE)
def test_a_client_that_leaves_while_it_is_above_its_rate(
    fws_server: Start, tmp_path: Path, reactor: str, kind: str
) -> None:
    server, connect = begin(fws_server, tmp_path, reactor, kind, "--message_rate", "1", "--byte_rate", "1000")
    for how, leave in LEAVE.items():
        for what, messages in (("messages", ["x"] * 100), ("bytes", ["x" * 1000] * 100)):
            if (how, what) == ("close", "bytes"):
                continue
            path = f"/{what}/{how}"
            with connect() as client:
                client.open(path)
                client.send(*messages)
                leave(client)
                printed(server, f"ended {path} {1000 if how == 'close' else 1006} 0")
    # Nothing is dropped without a word.
    server.wait_for("dropped: sent by a client that has left")


@pytest.mark.parametrize("kind", ["plain", "tls"])
def test_what_was_sent_before_a_close_frame_has_its_moment(fws_server: Start, tmp_path: Path, kind: str) -> None:
    server, connect = begin(fws_server, tmp_path, "lean", kind)
    with connect() as client:
        client.open("/breath").send("soon", "soon", "soon", close_frame(1000))
        closing = client.receive()
        assert closing is not None
        assert close_of(closing)[0] == 1000
        printed(server, "ended /breath 1000 0")
    assert server.printed.count("heard /breath") == 3
    assert "dropped" not in server.log


def test_what_a_flood_sent_before_its_end_is_handled_though_it_has_had_its_share(
    fws_server: Start, tmp_path: Path
) -> None:
    counts = """
        class Counts(WebSocketMessageFilter):
            @classmethod
            def filter(cls, connection, data):
                connection.count = getattr(connection, "count", 0) + 1
                if connection.count == 3000:
                    say("all of", connection.request.path)
    """
    server, connect = begin(fws_server, tmp_path, "lean", "plain", more=counts)
    for how in ("fin", "half", "close"):
        with connect() as client:
            client.open(f"/{how}").send(*["x"] * 3000)
            LEAVE[how](client)
            printed(server, f"all of /{how}")
            printed(server, f"ended /{how}")


def _close_alert(client: RawClient) -> None:
    """What `openssl s_client` and Go's CloseWrite send: the client reads on."""
    assert isinstance(client.socket, ssl.SSLSocket)
    client.socket.settimeout(0)
    # Whether the server's alert is already there is nothing to rely on.
    with suppress(ssl.SSLWantReadError):
        client.socket.unwrap()
    client.socket.settimeout(AT_ONCE)


GET = b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.mark.parametrize(("reactor", "kind"), EVERYWHERE)
def test_an_http_client_that_has_closed_its_side_gets_its_answers(
    fws_server: Start, tmp_path: Path, reactor: str, kind: str
) -> None:
    server, connect = begin(fws_server, tmp_path, reactor, kind)
    for requests in (GET, GET + GET, GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")):
        with connect() as client:
            client.send(requests)
            half(client)
            assert client.body().count(b"answer") == requests.count(b"GET")
    with connect() as client:
        # After the request was taken, too.
        asked = server.printed.count("asked")
        client.send(GET)
        wait_until(lambda: server.printed.count("asked") > asked)
        half(client)
        assert client.body().endswith(b"answer")
    for how in ("fin", "rst"):
        ended = server.printed.count("cancelled /polled")
        with connect() as client:
            client.send(GET.replace(b"slow", b"polled"))
            wait_until(lambda ended=ended: server.printed.count("began /polled") > ended)  # type: ignore[misc]
            LEAVE[how](client)
            wait_until(lambda ended=ended: server.printed.count("cancelled /polled") > ended, AT_ONCE)  # type: ignore[misc]
    with connect() as client:
        # Nothing asked, or half of it: the end.
        client.send(GET[:10])
        half(client)
        client.ended()


@pytest.mark.parametrize("reactor", ["lean", "asyncio"])
def test_a_close_alert_of_tls_is_the_end_of_one_side_only(fws_server: Start, tmp_path: Path, reactor: str) -> None:
    server, connect = begin(fws_server, tmp_path, reactor, "tls")
    with connect() as client:
        client.send(GET)
        _close_alert(client)
        # Python's TLS reads nothing behind its own alert: the answer has come when the connection ends.
        raw = socket.socket(fileno=client.socket.detach())
        raw.settimeout(AT_ONCE)
        got = b""
        with raw:
            while data := raw.recv(65536):
                got += data
        assert len(got) > 150
    with connect() as client:
        client.open("/message/alert").send("wait")
        printed(server, "began /message/alert")
        _close_alert(client)
        printed(server, "cancelled /message/alert")
        printed(server, "ended /message/alert 1006 0")

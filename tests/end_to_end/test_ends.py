"""Every way a connection can end has a deadline, whatever its peer leaves undone."""

import os
import socket
import ssl
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from filtered_websocket.transport.installing import REACTORS
from filtered_websocket.web.base import Endpoint, Response
from tests.support import certificates
from tests.support.fws_server import FwsServer, Start
from tests.support.raw_client import DEADLINE, RawClient, close_of, frame, wait_until
from tests.support.reactor_thread import call, until
from tests.support.serving import on_message, serving

EVERYWHERE = [*((reactor, "tls") for reactor in REACTORS), ("lean", "plain"), ("lean", "unix"), ("asyncio", "unix")]

FILTERS = """
    from filtered_websocket.filters.base import *

    class Echo(WebSocketMessageFilter):
        @classmethod
        def filter(cls, connection, data):
            connection.sendMessage(data)

    class Ended(WebSocketDisconnectFilter):
        @classmethod
        def filter(cls, connection, data):
            print("ended", connection.close_code, flush=True)
"""


def begin(fws_server: Start, folder: Path, kind: str, *options: str) -> tuple[FwsServer, Any, bool]:
    """A server, its address, and whether it speaks TLS."""
    more: tuple[str, ...] = ()
    if kind == "tls":
        files = certificates.write(folder)
        more = ("-key", files.key, "-cert", files.cert)
    elif kind == "unix":
        more = ("--host", f"unix:{folder}/s")
    server = fws_server("-f", "my_filters", *more, *options, module=FILTERS)
    return server, f"{folder}/s" if kind == "unix" else ("127.0.0.1", server.port), kind == "tls"


def descriptors(server: FwsServer) -> int:
    return len(os.listdir(f"/proc/{server.process.pid}/fd"))


@pytest.mark.parametrize(("reactor", "kind"), EVERYWHERE)
def test_a_peer_that_never_closes_its_side_is_not_waited_for(
    fws_server: Start, tmp_path: Path, kind: str, reactor: str
) -> None:
    server, address, tls = begin(fws_server, tmp_path, kind, "--reactor", reactor, "--max_http_connections", "5")
    before = descriptors(server)
    with ExitStack() as stack:
        for _ in range(20):
            # Answered, and then silent, over TLS without a close alert: more than may be at a time.
            client = stack.enter_context(RawClient(address, tls))
            client.send(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            assert client.response().status == 200
            client.body()
        for _ in range(5):
            client = stack.enter_context(RawClient(address, tls)).open()
            client.send(frame("unmasked", mask=None))
        wait_until(lambda: descriptors(server) <= before)


@pytest.mark.parametrize(("reactor", "kind"), EVERYWHERE)
def test_nothing_that_follows_a_failed_connection_is_read_and_its_end_is_at_once(
    fws_server: Start, tmp_path: Path, kind: str, reactor: str
) -> None:
    server, address, tls = begin(fws_server, tmp_path, kind, "--reactor", reactor, "--close_timeout", "600")
    with RawClient(address, tls) as client:
        client.open().send("first")
        assert client.text() == "first"
        client.send(frame("unmasked", mask=None), "behind it", b"\xff" * 100_000)
        closing = client.receive()
        assert closing is not None
        assert close_of(closing)[0] == 1002
        # Our side is closed without a reply having come, and no reset has taken the close frame away.
        client.ended()
        wait_until(lambda: "ended 1002" in server.printed)


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (frame(b"\xff\xfe", 1), 1007),
        (frame("x" * 2000), 1009),
        (frame("x" * 900, fin=False) + frame("x" * 900, 0), 1009),
        (frame("x", 3), 1002),
        (frame(b"\x03", 8), 1002),
        (frame(b"\x03\xe7", 8), 1002),
        (frame(b"\x03\xe8\xff", 8), 1007),
        (frame("x", rsv=2), 1002),
        (frame("x" * 126, 9), 1002),
    ],
)
@pytest.mark.parametrize("waits", [False, True], ids=["open", "closing"])
def test_whatever_fails_a_connection_ends_it(wrong: bytes, code: int, waits: bool) -> None:
    with serving(on_message(_echo), max_message_size=1000, close_timeout=600) as served:
        client = served.open()
        if waits:
            # Our own close frame is out, its reply has yet to come.
            call(served.connection().close, 4000, "first")
            closing = client.receive()
            assert closing is not None
            assert close_of(closing) == (4000, "first")
        client.send(wrong)
        if not waits:
            closing = client.receive()
            assert closing is not None
            assert close_of(closing)[0] == code
        client.ended()
        served.until_empty()


def _echo(connection: Any, data: Any) -> None:
    connection.sendMessage(data)


class Large(Endpoint):
    path = "/large"

    @classmethod
    def handle(cls, pipeline: Any, request: Any) -> Any:
        return Response(200, b"x" * 30_000_000)


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_an_answer_that_is_not_taken_before_the_end_is_not_kept_for_ever(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tls: bool
) -> None:
    monkeypatch.setattr("filtered_websocket.transport.streams.CLOSING_SECONDS", 2)
    options: dict[str, Any] = {}
    if tls:
        files = certificates.write(tmp_path)
        options = {"key": files.key, "cert": files.cert}
    with serving(Large, **options) as served:  # type: ignore[arg-type]
        with served.client(receive_buffer=4096) as client:
            client.send(b"GET /large HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            assert client.response().status == 200
            served.until_counted("closed", "does not take what it was sent before the end")
            until(lambda: not served.server.site.connections)
        # A client that takes it, however slowly, gets all of it.
        with served.client(receive_buffer=4096) as client:
            client.send(b"GET /large HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            assert client.response().status == 200
            slowly = time.monotonic() + 5
            got = len(client._data)
            while time.monotonic() < slowly:
                got += len(client.socket.recv(4096))
            client._data = b""
            assert got + len(client.body()) == 30_000_000


def _read_on(client: socket.socket) -> None:
    while client.recv(65536):
        pass


def test_a_tls_handshake_that_never_ends_with_an_answer_waiting_has_a_deadline(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("filtered_websocket.transport.streams.CLOSING_SECONDS", 0.3)
    files = certificates.write(tmp_path)
    with serving(on_message(_echo), key=files.key, cert=files.cert, handshake_timeout=1) as served:
        with socket.create_connection(served.address, DEADLINE) as client:
            client.settimeout(DEADLINE)
            incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            half = context.wrap_bio(incoming, outgoing)
            with pytest.raises(ssl.SSLWantReadError):
                half.do_handshake()
            client.sendall(outgoing.read())
            with pytest.raises(ConnectionResetError):
                _read_on(client)
        served.until_empty()

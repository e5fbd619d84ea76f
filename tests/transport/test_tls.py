import socket
import ssl
from typing import Any

import pytest

from filtered_websocket.web.base import Endpoint, HTTPRequest
from tests.support import certificates
from tests.support.raw_client import DEADLINE, frame, head
from tests.support.reactor_thread import call, until
from tests.support.serving import on_message, serving


def echo(connection: Any, data: bytearray) -> None:
    connection.sendMessage(data)


def handshake(address: Any, context: ssl.SSLContext) -> str | None:
    """Do a TLS handshake with a server that must be `localhost`; the version of TLS."""
    plain = socket.create_connection(address, DEADLINE)
    with plain, context.wrap_socket(plain, server_hostname="localhost") as secure:
        return secure.version()


def test_a_client_that_knows_only_the_root_is_sent_the_intermediate(files: certificates.Files) -> None:
    with serving(key=files.key, cert=files.cert) as served:
        context = ssl.create_default_context(cafile=files.root)
        assert handshake(served.address, context) == "TLSv1.3"


def test_tls_1_2_is_spoken_and_nothing_older(files: certificates.Files) -> None:
    with serving(key=files.key, cert=files.cert) as served:
        context = ssl.create_default_context(cafile=files.root)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        assert handshake(served.address, context) == "TLSv1.2"
        old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        old.load_verify_locations(files.root)
        old.set_ciphers("ALL:@SECLEVEL=0")
        with pytest.warns(DeprecationWarning, match="TLSv1_1"):
            old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
        with pytest.raises((ssl.SSLError, ConnectionResetError)):
            handshake(served.address, old)
        served.until_empty()


def test_a_client_without_tls_is_sent_away_and_others_go_on(files: certificates.Files) -> None:
    with serving(on_message(echo), key=files.key, cert=files.cert) as served, served.open() as client:
        with socket.create_connection(served.address, DEADLINE) as plain:
            plain.sendall(head())
            answer = b""
            while more := _receive(plain):
                answer += more
        assert b"HTTP" not in answer
        until(lambda: served.server.countConnections == 1)
        client.send("still here")
        assert client.text() == "still here"


def _receive(plain: socket.socket) -> bytes:
    try:
        return plain.recv(4096)
    except ConnectionResetError:
        return b""


@pytest.mark.parametrize("begun", [b"", b"\x16\x03\x01"], ids=["silent", "begun"])
def test_a_tls_handshake_that_is_not_finished_ends_when_its_time_is_over(
    files: certificates.Files, begun: bytes
) -> None:
    with serving(key=files.key, cert=files.cert, handshake_timeout=0.1) as served:
        with socket.create_connection(served.address, DEADLINE) as plain:
            plain.sendall(begun)
            assert _receive(plain) == b""
        served.until_empty()


def test_a_large_message_goes_both_ways(files: certificates.Files) -> None:
    with serving(on_message(echo), key=files.key, cert=files.cert) as served, served.open() as client:
        text = "a" * 1_000_000
        client.send(text, frame("behind"))
        assert client.text() == text
        assert client.text() == "behind"


def test_a_reply_goes_out_before_a_filter_ends_the_transport_itself(files: certificates.Files) -> None:
    def last_word(connection: Any, data: bytearray) -> None:
        connection.sendMessage(data)
        connection.transport.loseConnection()

    with serving(on_message(last_word), key=files.key, cert=files.cert) as served, served.open() as client:
        client.send("bye")
        assert client.text() == "bye"
        assert client.receive() is None


def test_a_refusal_over_tls_ends_though_the_client_keeps_its_side_open(files: certificates.Files) -> None:
    with serving(key=files.key, cert=files.cert, max_handshake_size=256) as served, served.client() as client:
        client.send(head(headers=[("X", "x" * 300)]))
        assert client.response().status == 431
        # The client neither answers the close alert nor closes.
        served.until_empty()


def large(connection: Any, data: bytearray) -> None:
    connection.sendMessage(b"x" * 5_000_000)
    connection.sendMessage("behind")
    if data == b"close":
        connection.close(4000, "that is all")
    elif data == b"abort":
        connection.abortConnection()


@pytest.mark.parametrize("way", ["go on", "close", "abort"])
def test_what_waits_unencrypted_for_a_slow_client_arrives_before_an_end_and_is_lost_with_an_abort(
    files: certificates.Files, way: str
) -> None:
    options = {"key": files.key, "cert": files.cert, "send_timeout": 600, "ping_interval": 0}
    with serving(on_message(large), **options) as served:
        client = served.client(receive_buffer=4096).open()
        connection = served.connection()
        client.send(way)
        if way == "abort":
            served.until_empty()
            assert connection.transport.waiting == 0
            return
        until(lambda: connection.slow is not None)
        assert call(lambda: connection.transport.waiting) > 1_000_000
        got = client.receive()
        assert got is not None
        assert got.payload == b"x" * 5_000_000
        assert client.text() == "behind"
        if way == "close":
            assert client.closed() == (4000, "that is all")
            served.until_empty()
        else:
            client.send("go on")
            assert len(client.receive().payload) == 5_000_000  # type: ignore[union-attr]


class Large(Endpoint):
    path = "/large"

    @classmethod
    def handle(cls, pipeline: Any, request: HTTPRequest) -> Any:
        return b"x" * 5_000_000


@pytest.mark.parametrize("ends", ["keep-alive", "close"])
def test_a_large_answer_over_tls_arrives_whole_however_slowly_it_is_read(files: certificates.Files, ends: str) -> None:
    with serving(Large, key=files.key, cert=files.cert) as served:
        client = served.client(receive_buffer=4096)
        client.send(f"GET /large HTTP/1.1\r\nHost: h\r\nConnection: {ends}\r\n\r\n".encode() * 2)
        for _ in range(2 if ends == "keep-alive" else 1):
            assert client.response().status == 200
            assert client._take(5_000_000) == b"x" * 5_000_000
        if ends == "close":
            client.ended()

import gc
import os
import socket
import ssl
from contextlib import suppress
from typing import Any

import pytest
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import deferLater

from filtered_websocket.transport.certificate import Certificate
from filtered_websocket.transport.listening import listen
from filtered_websocket.transport.streams import LARGE
from filtered_websocket.transport.tls import TLSTransport
from filtered_websocket.web.base import Endpoint, HTTPRequest
from tests.support import certificates
from tests.support.raw_client import DEADLINE, close_frame, frame, head
from tests.support.reactor_thread import call, until
from tests.support.serving import Events, logged, on_message, pairing, serving


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
        with pytest.raises(ssl.SSLError, match="alert protocol version"):
            handshake(served.address, old)
        served.until_counted("refused", "TLS handshake")
        served.until_empty()


def test_a_client_without_tls_is_sent_away_and_others_go_on(files: certificates.Files) -> None:
    with serving(on_message(echo), key=files.key, cert=files.cert) as served, served.open() as client:
        with socket.create_connection(served.address, DEADLINE) as plain:
            plain.sendall(head())
            answer = b""
            while more := _receive(plain):
                answer += more
        assert b"HTTP" not in answer
        served.until_counted("refused", "TLS handshake")
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


@pytest.mark.parametrize(("offered", "found"), [(["h2", "http/1.1"], "http/1.1"), (["h2"], None), ([], None)])
def test_alpn_finds_http_1_1_and_refuses_nobody(
    files: certificates.Files, offered: list[str], found: str | None
) -> None:
    with serving(key=files.key, cert=files.cert) as served:
        context = ssl.create_default_context(cafile=files.root)
        if offered:
            context.set_alpn_protocols(offered)
        plain = socket.create_connection(served.address, DEADLINE)
        with plain, context.wrap_socket(plain, server_hostname="localhost") as secure:
            assert secure.selected_alpn_protocol() == found


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_session_is_taken_up_again(files: certificates.Files, version: ssl.TLSVersion) -> None:
    with serving(on_message(echo), key=files.key, cert=files.cert) as served:
        context = ssl.create_default_context(cafile=files.root)
        context.maximum_version = version
        session, reused = None, []
        for _ in range(2):
            plain = socket.create_connection(served.address, DEADLINE)
            with plain, context.wrap_socket(plain, server_hostname="localhost", session=session) as secure:
                secure.sendall(head())
                assert secure.recv(12) == b"HTTP/1.1 101"
                session = secure.session
                reused.append(secure.session_reused)
        assert reused == [False, True]


def strict(served: Any, files: certificates.Files) -> ssl.SSLSocket:
    """A client that takes an end without a close alert for an error."""
    context = ssl.create_default_context(cafile=files.root)
    plain = socket.create_connection(served.address, DEADLINE)
    return context.wrap_socket(plain, server_hostname="localhost", suppress_ragged_eofs=False)


@pytest.mark.parametrize("ends", ["HTTP", "close frame", "close alert"])
def test_each_end_of_ours_has_a_close_alert(files: certificates.Files, ends: str) -> None:
    with serving(on_message(echo), key=files.key, cert=files.cert) as served, strict(served, files) as client:
        if ends == "HTTP":
            client.sendall(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        elif ends == "close frame":
            client.sendall(head() + close_frame())
        else:
            client.sendall(head())
            answer = b""
            while not answer.endswith(b"\r\n\r\n"):
                answer += client.recv(65536)
            client.unwrap()  # which waits for the answer to its alert
            served.until_empty()
            return
        while client.recv(65536):
            pass
        served.until_empty()


def test_an_end_without_a_close_alert_is_no_clean_close(files: certificates.Files) -> None:
    events = Events()
    with serving(*pairing(events), key=files.key, cert=files.cert) as served:
        client = served.open()
        assert events.next() == "open"
        # Without a word of TLS.
        os.close(client.socket.detach())
        assert events.next()[0] == 1006
        served.until_empty()


class Slow(Endpoint):
    path = "/slow"

    @classmethod
    async def handle(cls, pipeline: Any, request: HTTPRequest) -> Any:
        await deferLater(pipeline.server.reactor, 0.2)
        return b"answer"


def last_request(served: Any, files: certificates.Files, asked: bytes, receive_buffer: int = 0) -> bytes:
    """Ask, say by a close alert that this was all, and read slowly to the end of the connection."""
    context = ssl.create_default_context(cafile=files.root)
    arrives, leaves = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(arrives, leaves, server_hostname="localhost")
    with socket.socket() as plain:
        if receive_buffer:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        plain.settimeout(DEADLINE)
        plain.connect(served.address)
        while True:
            try:
                client.do_handshake()
                break
            except ssl.SSLWantReadError:
                plain.sendall(leaves.read())
                arrives.write(plain.recv(65536))
        client.write(asked)
        with pytest.raises(ssl.SSLWantReadError):
            client.unwrap()
        plain.sendall(leaves.read())
        answer = b""
        while more := plain.recv(65536):
            arrives.write(more)
            with suppress(ssl.SSLWantReadError, ssl.SSLZeroReturnError):
                while part := client.read(65536):
                    answer += part
    return answer


@pytest.mark.parametrize("ends", ["keep-alive", "close"])
def test_a_client_that_has_said_all_by_a_close_alert_gets_its_answer(files: certificates.Files, ends: str) -> None:
    asked = f"GET /%s HTTP/1.1\r\nHost: localhost\r\nConnection: {ends}\r\n\r\n"
    with serving(Slow, Large, key=files.key, cert=files.cert) as served:
        assert last_request(served, files, (asked % "slow").encode()).endswith(b"\r\n\r\nanswer")
        answer = last_request(served, files, (asked % "large").encode(), receive_buffer=4096)
        assert answer.endswith(b"\r\n\r\n" + b"x" * 5_000_000)
        served.until_empty()


@pytest.mark.parametrize("sent", [b"garbage" * 10_000, b"\x16\x03\x01\x02\x00" + b"\x01" * 70_000, b"\x00"])
def test_garbage_in_the_place_of_a_handshake_touches_no_other_connection(
    files: certificates.Files, sent: bytes
) -> None:
    with serving(on_message(echo), key=files.key, cert=files.cert, handshake_timeout=1) as served:
        client = served.open()
        with logged() as lines:
            for _ in range(3):
                with socket.create_connection(served.address, DEADLINE) as plain:
                    client.send("before")
                    with suppress(OSError):
                        plain.sendall(sent)
                    client.send("behind")
                    while _receive(plain):
                        pass
                    assert (client.text(), client.text()) == ("before", "behind")
        assert not [line for line in lines if "Traceback" in line]


def test_a_broken_record_ends_its_connection_alone_and_is_counted(files: certificates.Files) -> None:
    events = Events()
    with serving(*pairing(events), on_message(echo), key=files.key, cert=files.cert) as served:
        broken, other = served.open(), served.open()
        # Behind the back of its own TLS: of the right form, and not of its key.
        os.write(broken.socket.fileno(), b"\x17\x03\x03\x00\x20" + bytes(32) + b"and more" * 100)
        with suppress(ssl.SSLError):
            assert broken.body() == b""
        served.until_counted("closed", "TLS error")
        assert (events.next(), events.next(), events.next()[0]) == ("open", "open", 1006)
        other.send("still here")
        assert other.text() == "still here"


def test_a_connection_is_on_the_fast_road_while_its_client_keeps_up(files: certificates.Files) -> None:
    options = {"key": files.key, "cert": files.cert, "send_timeout": 600, "ping_interval": 0}
    with serving(on_message(large), **options) as served:
        client = served.client(receive_buffer=4096).open()
        connection = served.connection()
        assert call(lambda: connection.direct) == connection.transport.send
        client.send("go on")
        until(lambda: connection.slow is not None)
        assert connection.direct is None
        assert client.receive() is not None
        assert client.text() == "behind"
        until(lambda: connection.direct == connection.transport.send)
        pong = b"\x8a\x00"
        assert call(lambda: connection.direct(pong)) == len(pong)


def test_a_large_message_is_encrypted_in_turns(files: certificates.Files, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("filtered_websocket.transport.tls.AT_ONCE", 2 * LARGE)
    left = []

    def answer(connection: Any, data: bytearray) -> None:
        connection.sendMessage(b"x" * 10 * LARGE)
        left.append(connection.transport.waiting)

    with serving(on_message(answer), key=files.key, cert=files.cert) as served, served.open() as client:
        for _ in range(3):
            client.send("ask")
            assert len(client.receive().payload) == 10 * LARGE  # type: ignore[union-attr]
    # Two pieces went out, or fewer where the kernel refused; the third ended the turn.
    assert all(each >= 7 * LARGE for each in left)


def test_what_large_messages_took_is_not_kept_for_each_connection(files: certificates.Files) -> None:
    with serving(on_message(echo), key=files.key, cert=files.cert) as served:
        clients = [served.open() for _ in range(3)]
        for client in clients:
            client.send("x" * 60_000)
            assert client.text() == "x" * 60_000
        bios = {
            id(each) for user in served.users.values() for each in (user.transport._incoming, user.transport._outgoing)
        }
        assert len(bios) == 2


@pytest.mark.quiet
def test_a_handshake_that_fails_leaves_nothing_behind_until_the_garbage_collector_comes(
    files: certificates.Files,
) -> None:
    def left() -> int:
        return sum(isinstance(each, TLSTransport) for each in gc.get_objects())

    with serving(key=files.key, cert=files.cert) as served:
        gc.collect()
        before = left()
        gc.disable()
        try:
            for sent in [b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x00\x01\x00", b""] * 5:
                with socket.create_connection(served.address, DEADLINE) as plain:
                    plain.sendall(sent)
                    plain.shutdown(socket.SHUT_WR)
                    while _receive(plain):
                        pass
            served.until_empty()
            assert call(left) == before
        finally:
            gc.enable()


class Hasty(Protocol):
    """Writes before the client has said a word."""

    def connectionMade(self) -> None:
        transport: Any = self.transport
        transport.write(b"hello")
        transport.writeSequence([b" and ", b"x" * 3 * LARGE])
        transport.loseConnection()
        transport.write(b"dropped")


class Pulled(Protocol):
    """Is asked for each piece, and ends behind the last."""

    left = 40

    def connectionMade(self) -> None:
        transport: Any = self.transport
        transport.registerProducer(self, False)

    def resumeProducing(self) -> None:
        transport: Any = self.transport
        if self.left:
            self.left -= 1
            transport.write(b"x" * LARGE)
        else:
            transport.unregisterProducer()
            transport.loseConnection()

    def stopProducing(self) -> None: ...


@pytest.mark.parametrize(
    ("protocol", "wanted"), [(Hasty, b"hello and " + b"x" * 3 * LARGE), (Pulled, b"x" * 40 * LARGE)]
)
def test_what_is_written_before_the_handshake_waits_for_it(
    files: certificates.Files, protocol: type[Protocol], wanted: bytes
) -> None:
    from twisted.internet import reactor

    factory: Any = Factory.forProtocol(protocol)
    port = call(listen, Certificate(files.key, files.cert).wrap(factory, []), "127.0.0.1", 0, 50, reactor)
    try:
        context = ssl.create_default_context(cafile=files.root)
        plain = socket.create_connection(("127.0.0.1", port.getHost().port), DEADLINE)
        with plain, context.wrap_socket(plain, server_hostname="localhost", suppress_ragged_eofs=False) as secure:
            got = b""
            while more := secure.recv(65536):
                got += more
        assert got == wanted
    finally:
        call(port.stopListening)

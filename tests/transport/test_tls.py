import socket
import ssl
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization

from filtered_websocket.errors import ConfigError
from filtered_websocket.transport.certificate import Certificate
from filtered_websocket.transport.trust import Trust
from filtered_websocket.web.base import Endpoint, HTTPRequest
from tests.support import certificates, tls_listener
from tests.support.raw_client import DEADLINE, frame, head
from tests.support.reactor_thread import call, until
from tests.support.serving import on_message, serving


def echo(connection: Any, data: bytearray) -> None:
    connection.sendMessage(data)


@pytest.fixture
def files(tmp_path: Path) -> certificates.Files:
    return certificates.write(tmp_path)


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


# Files that are wrong: one line that names option and file.


def fault(key: str, cert: str) -> str:
    with pytest.raises(ConfigError) as caught:
        Certificate(key, cert)
    (line,) = caught.value.faults
    assert "\n" not in line
    return line


def test_a_file_that_is_not_there_is_named(files: certificates.Files) -> None:
    assert fault(files.key, "/no/such.pem") == "-cert /no/such.pem: No such file or directory"
    assert fault("/no/such.pem", files.cert) == "-key /no/such.pem: No such file or directory"


def test_a_directory_is_no_file(files: certificates.Files, tmp_path: Path) -> None:
    assert fault(files.key, str(tmp_path)) == f"-cert {tmp_path}: Is a directory"


@pytest.mark.parametrize(
    "content", ["", "no PEM at all", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
def test_a_file_that_is_no_pem_file_of_its_kind_is_named(
    files: certificates.Files, tmp_path: Path, content: str
) -> None:
    wrong = tmp_path / "wrong.pem"
    wrong.write_text(content)
    assert fault(files.key, str(wrong)).startswith(f"-cert {wrong}: not a PEM file of that kind (")
    assert fault(str(wrong), files.cert).startswith(f"-key {wrong}: not a PEM file of that kind (")
    assert fault(files.cert, files.cert).startswith(f"-key {files.cert}: not a PEM file of that kind (")


def test_a_key_of_another_certificate_is_told(files: certificates.Files) -> None:
    said = fault(files.other_key, files.cert)
    assert said == f"-key {files.other_key} is not the key of the certificate -cert {files.cert}"


def test_a_key_with_a_passphrase_is_refused_and_nobody_is_asked_for_it(
    files: certificates.Files, tmp_path: Path
) -> None:
    key = serialization.load_pem_private_key(Path(files.key).read_bytes(), None)
    locked = tmp_path / "locked.pem"
    locked.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"open sesame"),
        )
    )
    # In a process without a terminal of its own: OpenSSL would ask there.
    code = "from filtered_websocket.transport.certificate import Certificate; "
    code += f"Certificate({str(locked)!r}, {files.cert!r})"
    import sys

    run = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    assert "Enter PEM pass phrase" not in run.stdout + run.stderr
    assert f"-key {locked}: is locked with a passphrase" in run.stderr


# To the outside: whatever goes wrong while a certificate is verified refuses, before anything is said.

NO_NAMES = [
    ["*.internal"],
    ["*"],
    ["127.0.0.1"],
    ["*.internal", "IP:192.0.2.1"],
    ["elsewhere.example"],
    [""],
    ["localhost.example"],
    ["*.localhost"],
    None,
]


def say_by_twisted(trust: Trust, host: str, port: int, words: bytes) -> str:
    """Why it ended."""
    from twisted.internet import reactor
    from twisted.internet.defer import Deferred
    from twisted.internet.endpoints import HostnameEndpoint
    from twisted.internet.protocol import Factory, Protocol

    ended: Deferred[str] = Deferred()

    class Says(Protocol):
        def connectionMade(self) -> None:
            assert self.transport is not None
            self.transport.write(words)  # long before the handshake is done

        def connectionLost(self, reason: Any = None) -> None:
            ended.callback(reason.getErrorMessage())

    def begin() -> Any:
        endpoint = trust.wrap(HostnameEndpoint(reactor, host, port), host)
        return endpoint.connect(Factory.forProtocol(Says)).addCallback(lambda _: ended)

    return str(call(begin))


def say_by_socket(trust: Trust, host: str, port: int, words: bytes) -> str:
    try:
        plain = socket.create_connection((host, port), DEADLINE)
        with plain, trust.context().wrap_socket(plain, server_hostname=host) as secure:
            secure.sendall(words)
            secure.recv(1)
    except OSError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("say", [say_by_twisted, say_by_socket])
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
@pytest.mark.parametrize("names", NO_NAMES)
def test_a_certificate_whose_names_cannot_be_read_or_do_not_match_is_refused_and_told_nothing(
    tmp_path: Path, names: Any, host: str, say: Any
) -> None:
    by = tls_listener.authority(tmp_path)
    with tls_listener.listening(tls_listener.certificate(tmp_path, by, names)) as listener:
        why = say(Trust(authorities=by.path), host, listener.port, b"password")
        assert listener.outcomes.get(timeout=DEADLINE) == b""
    assert "certificate" in why


@pytest.mark.parametrize("say", [say_by_twisted, say_by_socket])
@pytest.mark.parametrize(
    ("host", "names"),
    [
        ("localhost", ["localhost"]),
        ("localhost", ["*.internal", "127.0.0.1", "localhost"]),
        ("127.0.0.1", ["IP:127.0.0.1"]),
        ("127.0.0.1", ["127.0.0.1", "*", "IP:127.0.0.1"]),
    ],
)
def test_a_name_that_cannot_be_read_costs_those_beside_it_nothing(
    tmp_path: Path, host: str, names: list[str], say: Any
) -> None:
    by = tls_listener.authority(tmp_path)
    with tls_listener.listening(tls_listener.certificate(tmp_path, by, names)) as listener:
        say(Trust(authorities=by.path), host, listener.port, b"password")
        assert listener.outcomes.get(timeout=DEADLINE) == b"password"


@pytest.mark.parametrize("say", [say_by_twisted, say_by_socket])
def test_an_authority_that_is_not_trusted_is_refused_unless_nothing_is_to_be_verified(tmp_path: Path, say: Any) -> None:
    by = tls_listener.authority(tmp_path)
    with tls_listener.listening(tls_listener.certificate(tmp_path, by, ["*.internal"])) as listener:
        assert "verify failed" in say(Trust(), "localhost", listener.port, b"password")
        assert listener.outcomes.get(timeout=DEADLINE) == b""
        for trust in (Trust(verify=False), Trust(authorities=by.path, names=False)):
            say(trust, "localhost", listener.port, b"password")
            assert listener.outcomes.get(timeout=DEADLINE) == b"password"
        assert "verify failed" in say(Trust(names=False), "localhost", listener.port, b"password")


@pytest.mark.parametrize("say", [say_by_twisted, say_by_socket])
def test_an_exception_within_the_verifier_refuses(tmp_path: Path, say: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kind itself: not this name or that, but anything at all."""
    if say is say_by_socket:
        pytest.skip("OpenSSL's own verifier, in C")

    def fails(*_: Any) -> None:
        raise MemoryError("no matter what")

    monkeypatch.setattr("filtered_websocket.transport.trust.verify_service_identity", fails)
    monkeypatch.setattr("filtered_websocket.transport.trust.DNSPattern.from_bytes", fails)
    by = tls_listener.authority(tmp_path)
    with tls_listener.listening(tls_listener.certificate(tmp_path, by, ["localhost"])) as listener:
        assert "no matter what" in say(Trust(authorities=by.path), "localhost", listener.port, b"password")
        assert listener.outcomes.get(timeout=DEADLINE) == b""


def test_authorities_come_as_a_file_a_folder_or_text_and_a_client_shows_its_own_certificate(tmp_path: Path) -> None:
    by = tls_listener.authority(tmp_path)
    own = tls_listener.certificate(tmp_path, by, ["localhost"])
    (tmp_path / "folder").mkdir()
    digest = subprocess.run(
        ["openssl", "x509", "-hash", "-noout", "-in", by.path], capture_output=True, text=True, check=True
    ).stdout.strip()
    (tmp_path / "folder" / f"{digest}.0").write_text(Path(by.path).read_text())
    text = Path(by.path).read_text()
    with tls_listener.listening(own) as listener:
        listener._context.verify_mode = ssl.CERT_REQUIRED
        listener._context.load_verify_locations(by.path)
        for say in (say_by_twisted, say_by_socket):
            for trust in (Trust(authorities=by.path), Trust(folder=str(tmp_path / "folder")), Trust(data=text)):
                say(trust._replace(certificate=own), "localhost", listener.port, b"password")
                assert listener.outcomes.get(timeout=DEADLINE) == b"password"
            say(Trust(authorities=by.path), "localhost", listener.port, b"password")
            assert listener.outcomes.get(timeout=DEADLINE) == b""


def test_files_that_are_not_there_or_of_another_kind_are_named(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no PEM")
    for trust, why in (
        (Trust(authorities=str(tmp_path / "none")), "No such file"),
        (Trust(authorities=str(tmp_path / "text")), "TLS: "),
        (Trust(ciphers="NONSENSE"), "TLS: "),
    ):
        with pytest.raises((OSError, ValueError), match=why):
            trust.wrap(None, "localhost")


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

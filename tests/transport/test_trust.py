"""TLS to the outside: whatever goes wrong while a certificate is verified refuses."""

import socket
import ssl
import subprocess
from pathlib import Path
from typing import Any

import pytest

from filtered_websocket.transport.trust import Trust
from tests.support import tls_listener
from tests.support.raw_client import DEADLINE
from tests.support.reactor_thread import call

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
        ["openssl", "x509", "-hash", "-noout", "-in", by.path],
        capture_output=True,
        text=True,
        check=True,
        timeout=DEADLINE,
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

"""A TLS server with any certificate, which keeps what comes after its handshakes. What reaches it has been trusted."""

import datetime
import ipaddress
import queue
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.support.deadlines import joined

DEADLINE = 15.0


class Authority(NamedTuple):
    """An authority that signs certificates; ``path`` is its own."""

    path: str
    certificate: x509.Certificate
    key: Any


def authority(folder: Path) -> Authority:
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = _sign("an authority", key, "an authority", key, [x509.BasicConstraints(True, None)])
    path = folder / "authority.pem"
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return Authority(str(path), certificate, key)


def certificate(folder: Path, by: Authority, names: list[str] | None) -> str:
    """A PEM file of a key and its certificate.

    :param names: as DNS names whatever they are, but for those that begin with ``IP:``; None: without the extension
    """
    key = ec.generate_private_key(ec.SECP256R1())
    extensions: list[x509.ExtensionType] = [x509.BasicConstraints(False, None)]
    if names is not None:
        general: list[x509.GeneralName] = [
            x509.IPAddress(ipaddress.ip_address(name[3:])) if name.startswith("IP:") else x509.DNSName(name)
            for name in names
        ]
        extensions.append(x509.SubjectAlternativeName(general))
    signed = _sign("localhost", key, "an authority", by.key, extensions)
    path = folder / "server.pem"
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(key.private_bytes(*form) + signed.public_bytes(serialization.Encoding.PEM))
    return str(path)


class Listener:
    """
    :ivar port: on 127.0.0.1
    :ivar outcomes: of each connection in turn: what it sent first, or b"" if it was trusted with nothing
    """

    def __init__(self, certificate: str, answer: bytes) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate)
        self._answer = answer
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self.outcomes: queue.Queue[bytes] = queue.Queue()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        joined(self._thread)

    def _serve(self) -> None:
        while True:
            try:
                plain, _ = self._socket.accept()
            except OSError:
                return
            plain.settimeout(DEADLINE)
            received = b""
            with plain, suppress(OSError), self._context.wrap_socket(plain, server_side=True) as secure:
                received = secure.recv(65536)
                if received and self._answer:
                    secure.sendall(self._answer)
                    while part := secure.recv(65536):
                        received += part
            self.outcomes.put(received)


@contextmanager
def listening(certificate: str, answer: bytes = b"") -> Iterator[Listener]:
    listener = Listener(certificate, answer)
    try:
        yield listener
    finally:
        listener.close()


def _sign(name: str, key: Any, issuer: str, by: Any, extensions: list[x509.ExtensionType]) -> x509.Certificate:
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
    )
    # RFC 5280 (4.2.1), which Python verifies from 3.13 on: each names both keys, and an authority says that it is one.
    extensions = [
        *extensions,
        x509.SubjectKeyIdentifier.from_public_key(key.public_key()),
        x509.AuthorityKeyIdentifier.from_issuer_public_key(by.public_key()),
    ]
    if any(isinstance(each, x509.BasicConstraints) and each.ca for each in extensions):
        extensions.append(x509.KeyUsage(True, False, False, False, False, True, True, False, False))
    for extension in extensions:
        critical = isinstance(extension, x509.BasicConstraints | x509.KeyUsage)
        builder = builder.add_extension(extension, critical=critical)
    return builder.sign(by, hashes.SHA256())

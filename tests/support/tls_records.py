"""A client that makes its TLS 1.3 records itself, so that it can send what no library sends."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from tests.support.raw_client import DEADLINE

HANDSHAKE, APPLICATION_DATA = 22, 23


def expand(secret: bytes, label: bytes, size: int) -> bytes:
    """HKDF-Expand-Label (RFC 8446, 7.1), for TLS_AES_256_GCM_SHA384."""
    name = b"tls13 " + label
    info = size.to_bytes(2, "big") + bytes([len(name)]) + name + b"\0"
    return HKDFExpand(hashes.SHA384(), size, info).derive(secret)


class Records:
    """What a client sends behind its handshake.

    :param secret: its first traffic secret
    """

    def __init__(self, secret: bytes) -> None:
        self._take(secret)

    def _take(self, secret: bytes) -> None:
        self._secret, self._sent = secret, 0
        self._key, self._iv = AESGCM(expand(secret, b"key", 32)), expand(secret, b"iv", 12)

    def record(self, content: bytes, kind: int = APPLICATION_DATA) -> bytes:
        header = b"\x17\x03\x03" + (len(content) + 17).to_bytes(2, "big")
        nonce = int.from_bytes(self._iv, "big") ^ self._sent
        self._sent += 1
        return header + self._key.encrypt(nonce.to_bytes(12, "big"), content + bytes([kind]), header)

    def key_update(self, asks: bool) -> bytes:
        """
        :param asks: for one of the server's (RFC 8446, 4.6.3)
        """
        sent = self.record(b"\x18\0\0\x01" + bytes([asks]), HANDSHAKE)
        self._take(expand(self._secret, b"traffic upd", 48))
        return sent


@contextmanager
def shaken_hands(address: Any, folder: Path, receive_buffer: int = 0) -> Iterator[tuple[socket.socket, Records]]:
    """A connection behind its TLS handshake: its socket, and what makes its records."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.keylog_filename = str(folder / "secrets")
    arrives, leaves = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(arrives, leaves)
    with socket.socket() as plain:
        if receive_buffer:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        plain.settimeout(DEADLINE)
        plain.connect(address)
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                plain.sendall(leaves.read())
                arrives.write(plain.recv(65536))
        plain.sendall(leaves.read())
        assert tls.cipher() == ("TLS_AES_256_GCM_SHA384", "TLSv1.3", 256)
        lines = (folder / "secrets").read_text().splitlines()
        (secret,) = [line.split()[2] for line in lines if line.startswith("CLIENT_TRAFFIC_SECRET_0")]
        yield plain, Records(bytes.fromhex(secret))

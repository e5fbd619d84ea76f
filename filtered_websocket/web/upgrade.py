"""The head that asks for a WebSocket (RFC 6455, 4.2.1)."""

import re
from binascii import b2a_base64
from hashlib import sha1
from typing import NamedTuple

from filtered_websocket.web.head import Head, Refused, elements, words

VERSION = "13"

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_SWITCHING = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "

_KEY = re.compile(r"[A-Za-z0-9+/]{22}==")


class Upgrade(NamedTuple):
    """What a client offers.

    :ivar key: Sec-WebSocket-Key
    :ivar protocols: subprotocols, in its order of preference
    """

    key: str
    protocols: list[str]


def switching(key: str) -> bytes:
    """The 101 without a subprotocol, an extension or further headers (RFC 6455, 4.2.2)."""
    return b"%b%b\r\n\r\n" % (
        _SWITCHING,
        b2a_base64(sha1(key.encode() + _GUID, usedforsecurity=False).digest(), newline=False),
    )


def is_asked(head: Head) -> bool:
    """Whether this is a handshake, right or wrong; with a body, or of HTTP/1.0, it is a request as any other."""
    headers = head.headers
    return (
        "upgrade" in headers
        and head.method == "GET"
        and head.version == "1.1"
        and (headers["upgrade"] == "websocket" or "websocket" in words(headers, "upgrade"))
        and "transfer-encoding" not in headers
        and headers.get("content-length", "0") == "0"
    )


def read(head: Head) -> Upgrade | Refused:
    """What a handshake asks for."""
    headers = head.headers
    if headers.get("connection") != "Upgrade" and "upgrade" not in words(headers, "connection"):
        return Refused(400, "the header Connection must say Upgrade")
    if headers.get("sec-websocket-version") != VERSION:
        return Refused(400, f"Sec-WebSocket-Version must be {VERSION}", (("Sec-WebSocket-Version", VERSION),))
    key = headers.get("sec-websocket-key", "")
    if _KEY.fullmatch(key) is None:
        return Refused(400, "Sec-WebSocket-Key must be 16 bytes in base64")
    offered = elements(headers.get("sec-websocket-protocol", ""))
    if offered and len(set(offered)) != len(offered):
        return Refused(400, "Sec-WebSocket-Protocol names a protocol twice")
    return Upgrade(key, offered)

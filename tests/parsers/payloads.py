"""The bodies of polling: what ours makes of one, and what python-engineio does, 4 and 3.

A packet is its type, its data and whether these are bytes. Which types a client may send is the session's to say.
"""

import re
from typing import Any, NamedTuple

from filtered_websocket.filters.engineio.packets import MESSAGE, Malformed
from filtered_websocket.filters.engineio.payloads import decode_payload, encode_payload
from tests.parsers.differences import Difference
from tests.parsers.foreign import modules

Packet = tuple[str, bytes, bool]
TYPES = tuple("0123456")
MOST = 100
"""Packets in a body."""


class Theirs:
    """python-engineio of the version that speaks a protocol."""

    def __init__(self, protocol: int) -> None:
        self.protocol = protocol
        self._packet, self._payload = modules(
            "socketio-4" if protocol == 3 else "socketio", "engineio.packet", "engineio.payload"
        )
        self._payload.Payload.max_decode_packets = MOST
        # Ours leave the data of a packet as it is.
        self._packet.Packet.json = NoJSON

    def read(self, body: bytes) -> list[Packet] | None:
        """The packets of a body, None for none."""
        try:
            given: Any = body if self.protocol == 3 else body.decode()
            packets = self._payload.Payload(encoded_payload=given).packets
            found = [(str(each.packet_type), _bytes(each.data), each.binary) for each in packets]
            return found if all(kind in TYPES for kind, _, _ in found) else None
        except Exception:  # whatever it is that they raise: they refuse
            return None

    def write(self, packets: list[Packet], base64_only: bool) -> bytes:
        made = [self._packet.Packet(int(kind), data if binary else data.decode()) for kind, data, binary in packets]
        body = self._payload.Payload(packets=made).encode(**({"b64": base64_only} if self.protocol == 3 else {}))
        return body if isinstance(body, bytes) else body.encode()


class NoJSON:
    @staticmethod
    def loads(text: str) -> Any:
        raise ValueError


def _bytes(data: Any) -> bytes:
    return b"" if data is None else data.encode() if isinstance(data, str) else data


def read(body: bytes, protocol: int) -> list[Packet] | None:
    """What ours makes of it."""
    try:
        found = list(decode_payload(body, protocol))
    except Malformed:
        return None
    packets = [
        (MESSAGE, data, True) if binary else (chr(data[0]) if data else "", data[1:], False) for data, binary in found
    ]
    # A session ends with a packet of another type.
    return packets if all(kind in TYPES for kind, _, _ in packets) else None


def write(packets: list[Packet], protocol: int, base64_only: bool) -> bytes:
    messages = [(data, True) if binary else (kind.encode() + data, False) for kind, data, binary in packets]
    body = encode_payload(messages, protocol, base64_only)
    return body if isinstance(body, bytes) else body.encode()


class Parted(NamedTuple):
    body: bytes
    protocol: int
    ours: list[Packet] | None
    theirs: list[Packet] | None


def parted(body: bytes, theirs: Theirs) -> Parted | None:
    """Where both part, if they do."""
    one, other = read(body, theirs.protocol), theirs.read(body)
    return None if one == other else Parted(body, theirs.protocol, one, other)


def _texts(parted: Parted) -> list[str]:
    """The packets that came as texts, by the grammar of their version and with no mercy; none if the body breaks it."""
    body, found = parted.body, []
    if parted.protocol == 4:
        return body.decode("utf-8", "replace").split("\x1e")
    while body:
        head = re.match(rb"([0-9]+):|([\0\1])([\0-\x09]{1,10})\xff", body)
        if head is None or (head[1] is None) != (parted.body[:1] < b"\2"):
            return []
        body = body[head.end() :]
        if head[1] is None:
            size = int("".join(map(str, head[3])))
            piece = body[:size]
            if size > len(body) or (head[2] == b"\1") != (piece[:1] == b"\4"):
                return []
            found += [piece.decode("utf-8", "replace")] if head[2] == b"\0" else []
            body = body[size:]
        else:
            units = body.decode("utf-8", "replace").encode("utf-16-le")
            size = 2 * int(head[1])
            if size > len(units) or not size:
                return []
            found.append(units[:size].decode("utf-16-le", "replace"))
            body = units[size:].decode("utf-16-le", "replace").encode()
    return found


def _base64(parted: Parted) -> list[str]:
    return [each[1 if parted.protocol == 4 else 2 :] for each in _texts(parted) if each.startswith("b")]


def _is_base64(text: str) -> bool:
    digits = re.sub(r"[\t\n\r ]", "", text)
    return re.fullmatch(r"[A-Za-z0-9+/_-]*={0,}", digits) is not None and len(digits.rstrip("=")) % 4 != 1


TABLE = (
    Difference(
        "what is no base64 is refused",
        "python-engineio drops what is no digit, and so reads other bytes than were meant",
        "RFC 4648, 3.3: such characters must be refused",
        (4, b"bAA!A="),
        lambda at: at.ours is None and not all(map(_is_base64, _base64(at))),
    ),
    Difference(
        "base64 may be of the other alphabet, and without its padding",
        "Node.js takes it, and clients that are written for it send it",
        "RFC 4648, 3.2 and 5",
        (4, b"b-_8"),
        lambda at: (
            at.ours is not None
            and any(re.search(r"[-_]|^(?!(?:.{4})*$)|===", re.sub(r"\s", "", each)) for each in _base64(at))
        ),
    ),
    Difference(
        "a body without a packet is refused",
        "no client sends it, and a session that obeys it would never rest",
        "Engine.IO 4: a payload is one packet or more",
        (4, b""),
        lambda at: at.ours is None and not at.body,
    ),
    Difference(
        "there is no JSONP",
        "pages of today have CORS",
        "Engine.IO 4: JSONP has gone; 3: for browsers without XMLHttpRequest of other origins",
        (4, b"d=4a"),
        lambda at: at.ours is None and at.body.startswith(b"d="),
    ),
    Difference(
        "lengths are digits, and exact",
        "python-engineio 3 takes what is there",
        "Engine.IO 3: <length>:<packet>, or 0|1, the digits, 255, the packet",
        (3, b"9:4a"),
        lambda at: at.ours is None and at.protocol == 3 and not _texts(at),
    ),
    Difference(
        "lengths of texts count UTF-16",
        "so JavaScript does; python-engineio 3 counts characters",
        "Engine.IO 3: the length in characters, which are JavaScript's",
        (3, "3:4😀1:4".encode()),
        lambda at: (
            at.protocol == 3
            and at.body[:1] > b"\1"
            and any(ord(each) > 0xFFFF for each in at.body.decode("utf-8", "replace"))
        ),
    ),
    Difference(
        "bytes are a message, and a text is none of the types that bytes have",
        "no other type has a use for bytes",
        "Engine.IO 3: binary data is a message's",
        (3, b"6:b3AAAA"),
        lambda at: (
            at.ours is None and at.protocol == 3 and any(re.match(r"b(?!4)|[^0-6b]|$", each) for each in _texts(at))
        ),
    ),
)

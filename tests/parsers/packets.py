"""Socket.IO packets and their attachments: what ours makes of them, and what python-socketio does, 5 and 4."""

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from filtered_websocket.filters.engineio.packets import MAX_ECHO, Malformed
from filtered_websocket.filters.socketio import packets
from filtered_websocket.filters.socketio.attachments import RESERVED, Assembly
from tests.parsers.differences import Difference
from tests.parsers.foreign import modules

MOST = 4
"""Attachments of a packet."""


class Packet(NamedTuple):
    """
    :ivar data: with the attachments in it
    """

    type: int
    namespace: str
    id: int | None
    data: Any


INCOMPLETE = "attachments are due"
Made = Packet | str | None
"""A packet, `INCOMPLETE`, or None for what is none."""


class Theirs:
    """python-socketio.

    :param version: 5 or 4
    """

    def __init__(self, version: int) -> None:
        (self._module,) = modules("socketio-4" if version == 4 else "socketio", "socketio.packet")

    def read(self, text: str, attachments: Sequence[bytes]) -> Made:
        try:
            packet = self._module.Packet(encoded_packet=text)
            for each in attachments:
                packet.add_attachment(each)
            if packet.attachment_count > len(attachments):
                return INCOMPLETE
            kind = {5: 2, 6: 3}.get(packet.packet_type, packet.packet_type)
            return Packet(kind, packet.namespace or "/", packet.id, packet.data) if text else None
        except Exception:  # whatever it is that they raise: they refuse
            return None

    def write(self, packet: Packet) -> tuple[str, list[bytes]]:
        kind, namespace, number, data = packet
        made = self._module.Packet(kind, data, namespace, number).encode()
        return (made, []) if isinstance(made, str) else (made[0], made[1:])


def read(text: str, attachments: Sequence[bytes]) -> Made:
    """What ours makes of it."""
    assembly = Assembly()
    try:
        packet = assembly.text(text, MOST)
        for each in attachments:
            packet = assembly.attachment(each)
    except Malformed:
        return None
    if packet is None:
        return INCOMPLETE
    kind = {packets.BINARY_EVENT: packets.EVENT, packets.BINARY_ACK: packets.ACK}.get(packet.type, packet.type)
    return Packet(kind, packet.namespace, packet.id, packet.data)


def write(packet: Packet) -> tuple[str, list[bytes]]:
    kind, namespace, number, data = packet
    (text, _), *attachments = packets.encoded(kind, namespace, data).messages(number)
    return text.decode()[1:], [each for each, _ in attachments]


class Parted(NamedTuple):
    text: str
    attachments: Sequence[bytes]
    ours: Made
    theirs: Made

    def stricter(self, *kinds: int) -> Packet | None:
        """What theirs takes for a packet of these kinds, and ours refuses."""
        theirs = self.theirs
        return theirs if self.ours is None and isinstance(theirs, Packet) and theirs.type in kinds else None


def parted(text: str, attachments: Sequence[bytes], theirs: Theirs) -> Parted | None:
    """Where both part, if they do. What ours refuses before its attachments have come is no difference."""
    one, other = read(text, attachments), theirs.read(text, attachments)
    return None if _same(one, other) or (one is None and other == INCOMPLETE) else Parted(text, attachments, one, other)


def _same(one: Any, other: Any) -> bool:
    """Equal, and of the same types: 1 is not True, nor 1.0."""
    return bool(one == other and repr(one) == repr(other))


def _has_no_name(data: Any) -> bool:
    if not (isinstance(data, list) and data):
        return True
    return isinstance(data[0], bool) or not isinstance(data[0], str | int) or data[0] in RESERVED


_NUMBERED = re.compile(r"(\d)(?:(\d+)-)?(?:(/[^,]*),?)?(\d*)")
_BINARY = "56"
_WRONG_PLACEHOLDER = r'"num":(?!\d+[,}])|"_placeholder":true(?!,"num":)'


def _numbers(text: str) -> tuple[str, str, str, str]:
    found = _NUMBERED.match(text)
    return ("", "", "", "") if found is None else tuple(each or "" for each in found.groups())  # type: ignore[return-value]


TABLE = (
    Difference(
        "an event is an array that begins with its name, and none that is reserved",
        "as Node.js has it: handlers are found by names",
        "Socket.IO 5, EVENT: a non-empty array; socket.io-parser: reserved names",
        ('2["connect"]', []),
        lambda at: (found := at.stricter(packets.EVENT)) and _has_no_name(found.data),
    ),
    Difference(
        "an acknowledgement has an id, and an array",
        "as Node.js has it: it answers something",
        "Socket.IO 5, ACK",
        ("3[]", []),
        lambda at: (found := at.stricter(packets.ACK)) and (found.id is None or not isinstance(found.data, list)),
    ),
    Difference(
        "what a client says when it connects is an object, and when it disconnects nothing",
        "as Node.js has it",
        "Socket.IO 5, CONNECT and DISCONNECT",
        ("0[]", []),
        lambda at: (found := at.stricter(packets.CONNECT, packets.DISCONNECT)) and found.data is not None,
    ),
    Difference(
        "no client says CONNECT_ERROR, nor what is none of the types",
        "it is a server's",
        "Socket.IO 5: packets sent by the server",
        ("4", []),
        lambda at: at.stricter(packets.CONNECT_ERROR, 7, 8, 9),
    ),
    Difference(
        "a binary packet says how many attachments it has, and no other does",
        "as Node.js writes it",
        "Socket.IO 5: <packet type>[<# of binary attachments>-]",
        ('5["a"]', []),
        lambda at: at.ours is None and (at.text[:1] in _BINARY) != bool(re.match(r"\d\d+-", at.text)),
    ),
    Difference(
        "a packet has as many attachments as the option allows",
        "socketio_max_attachments",
        "Socket.IO 5 names no limit",
        ('55-["a"]', [b"x"] * 5),
        lambda at: at.ours is None and int(_numbers(at.text)[1] or 0) > MOST,
    ),
    Difference(
        "an id has 15 digits at most",
        "JavaScript's numbers are exact up to 2^53",
        "Socket.IO 5: <acknowledgment id>",
        ('21234567890123456["a"]', []),
        lambda at: at.ours is None and len(_numbers(at.text)[3]) > 15,
    ),
    Difference(
        "numbers are of the digits 0 to 9",
        "Python knows many more",
        "Socket.IO 5 shows no others",
        ("3٣[]", []),
        lambda at: at.ours is None and re.search(r"(?![0-9])\d", at.text),
    ),
    Difference(
        "a namespace has so many characters",
        "answers repeat it, also to other nodes",
        "Socket.IO 5 names no limit",
        (f"0/{'n' * MAX_ECHO},", []),
        lambda at: at.ours is None and isinstance(at.theirs, Packet) and len(at.theirs.namespace) > MAX_ECHO,
    ),
    Difference(
        "JSON has neither NaN nor Infinity, nor numbers that become one",
        "other clients could not read it",
        "RFC 8259, 6",
        ('2["a",NaN]', []),
        lambda at: at.ours is None and re.search(r"NaN|Infinity|[eE]\+?\d{3}", at.text),
    ),
    Difference(
        "a placeholder stands for one of the attachments",
        "-1 would be the last one, and what is no number a failure",
        "Socket.IO 5: the index of the attachment",
        ('51-["a",{"_placeholder":true,"num":-1}]', [b"x"]),
        lambda at: at.ours is None and at.text[:1] in _BINARY and re.search(_WRONG_PLACEHOLDER, at.text),
    ),
    Difference(
        "a placeholder says true",
        "",
        'Socket.IO 5: {"_placeholder":true,"num":0}',
        ('51-["a",{"_placeholder":1,"num":0}]', [b"x"]),
        lambda at: re.search(r'"_placeholder":(?!true)', at.text),
    ),
)

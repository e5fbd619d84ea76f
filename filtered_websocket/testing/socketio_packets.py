"""Socket.IO 5 as a client speaks it: events to frames, frames to packets.

A codec of the kit's own, so that nothing of the server's own code vouches for the server.
"""

import json
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

Frame = str | bytes

CONNECT, DISCONNECT, EVENT, ACKNOWLEDGEMENT, CONNECT_ERROR = range(5)
_BINARY = 3
"""What is added to an event or an acknowledgement that has attachments."""
_FORM = re.compile(r"([0-6])(?:([0-9]+)-)?(?:(/[^,]*),)?([0-9]+)?(.*)", re.DOTALL)


class Packet(NamedTuple):
    """
    :ivar kind: `CONNECT` to `CONNECT_ERROR`
    :ivar id: of the acknowledgement that is wanted, or given; None for none
    :ivar data: the JSON value with bytes in it; None for none
    """

    kind: int
    namespace: str
    id: int | None = None
    data: Any = None

    def frames(self) -> list[Frame]:
        """What is sent: a text, and behind it the bytes that were in the data.

        :raises TypeError: JSON knows no such value
        :raises ValueError: NaN, or a value that holds itself
        """
        attachments: list[bytes] = []
        value = _taken_out(self.data, attachments)
        body = "" if value is None else json.dumps(value, separators=(",", ":"), allow_nan=False)
        kind = f"{self.kind + _BINARY}{len(attachments)}-" if attachments else str(self.kind)
        where = "" if self.namespace == "/" else f"{self.namespace},"
        return [f"{kind}{where}{'' if self.id is None else self.id}{body}", *attachments]


class Reader:
    """Frames of one server, taken in their order."""

    def __init__(self) -> None:
        self._packet: Packet | None = None
        self._attachments: list[bytes] = []
        self._due = 0

    def take(self, frame: Frame) -> Packet | None:
        """The packet that is complete with this frame; None as long as its bytes are due.

        :raises AssertionError: no server sends that
        """
        if isinstance(frame, str):
            assert not self._due, f"the server sent {frame!r} where {self._due} binary messages are due"
            self._packet, self._due = _read(frame)
        else:
            assert self._due, "the server sent a binary message that belongs to no packet"
            self._attachments.append(frame)
            self._due -= 1
        if self._due or self._packet is None:
            return None
        packet, attachments = self._packet, self._attachments
        self._packet, self._attachments = None, []
        return packet._replace(data=_put_in(packet.data, attachments))


def _read(text: str) -> tuple[Packet, int]:
    """A packet without its attachments, and how many these are."""
    match = _FORM.fullmatch(text)
    assert match is not None, f"the server sent no packet of Socket.IO: {text!r}"
    kind, attachments, namespace, number, body = match.groups()
    is_binary = int(kind) > CONNECT_ERROR
    assert is_binary == (attachments is not None), f"the server sent attachments that are none: {text!r}"
    data = json.loads(body) if body else None
    packet = Packet(
        int(kind) - _BINARY if is_binary else int(kind),
        namespace or "/",
        None if number is None else int(number),
        data,
    )
    if packet.kind in (EVENT, ACKNOWLEDGEMENT):
        assert isinstance(data, list), f"the server sent arguments that are no list: {text!r}"
        assert packet.kind != EVENT or (data and isinstance(data[0], str)), f"the server sent no event: {text!r}"
        assert packet.kind != ACKNOWLEDGEMENT or packet.id is not None, f"whose acknowledgement is {text!r}?"
    return packet, int(attachments or 0)


def _taken_out(value: Any, attachments: list[bytes]) -> Any:
    if isinstance(value, bytes | bytearray):
        attachments.append(bytes(value))
        return {"_placeholder": True, "num": len(attachments) - 1}
    if isinstance(value, dict):
        return {key: _taken_out(each, attachments) for key, each in value.items()}
    return [_taken_out(each, attachments) for each in value] if isinstance(value, list | tuple) else value


def _put_in(value: Any, attachments: Sequence[bytes]) -> Any:
    if isinstance(value, dict):
        if value.get("_placeholder") is True:
            return attachments[value["num"]]
        return {key: _put_in(each, attachments) for key, each in value.items()}
    return [_put_in(each, attachments) for each in value] if isinstance(value, list) else value

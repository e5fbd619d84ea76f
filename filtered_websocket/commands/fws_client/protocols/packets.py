"""What the packs that speak Socket.IO have in common: Socket.IO 5 on Engine.IO 4 over a WebSocket."""

import base64
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple
from urllib.parse import SplitResult

from filtered_websocket.commands.fws_client.protocols.base import Answer, Event, Frame, Protocol, Terms
from filtered_websocket.commands.fws_client.protocols.sessions import Sessions

QUERY = "EIO=4&transport=websocket"
_PACKET = re.compile(r"4([0-6])(?:([0-9]+)-)?(?:(/[^,]*),?)?([0-9]+)?(.*)", re.DOTALL)

CONNECT, DISCONNECT, EVENT, ACKNOWLEDGEMENT, CONNECT_ERROR = "01234"
_WITH_BYTES = {"5": EVENT, "6": ACKNOWLEDGEMENT}


class Packet(NamedTuple):
    """
    :ivar number: of the acknowledgement, None for none
    :ivar data: the JSON value, with bytes in base64; None for none
    """

    kind: str
    namespace: str
    number: int | None
    data: Any


class PacketProtocol(Protocol):
    """Events in namespaces; a pack says what each packet means.

    :ivar sessions: what the next connection can go on with
    """

    confirms = True
    greets = True

    def __init__(self, url: SplitResult, terms: Terms) -> None:
        super().__init__(url, terms)
        self.sessions = Sessions()
        self.begin()

    def address(self) -> str:
        path = self.url.path if self.url.path.strip("/") else "/socket.io/"
        return self.url._replace(path=path, query=self.url.query or QUERY).geturl()

    def begin(self) -> None:
        self._packet: Packet | None = None
        self._attachments: list[bytes] = []
        self._missing = 0

    def hear(self, frame: Frame) -> Iterable[Event]:
        if isinstance(frame, bytes):
            yield from self._attach(frame)
        elif frame.startswith("0"):
            yield from self.opened()
        elif frame.startswith("2"):
            yield Answer("3" + frame[1:])
        elif frame.startswith("4"):
            yield from self._read(frame)

    def _read(self, frame: str) -> Iterator[Event]:
        found = _PACKET.fullmatch(frame)
        if found is None:
            return
        kind, attachments, namespace, number, rest = found.groups()
        try:
            data = json.loads(rest) if rest else None
        except (ValueError, RecursionError):
            return
        self._packet = Packet(
            _WITH_BYTES.get(kind, kind), namespace or "/", None if number is None else int(number), data
        )
        self._attachments, self._missing = [], int(attachments or 0)
        yield from self._complete()

    def _attach(self, data: bytes) -> Iterator[Event]:
        if self._missing:
            self._attachments.append(data)
            self._missing -= 1
            yield from self._complete()

    def _complete(self) -> Iterator[Event]:
        if self._packet is not None and not self._missing:
            packet, self._packet = self._packet, None
            yield from self.happened(packet._replace(data=_put_in(packet.data, self._attachments)))

    def opened(self) -> Iterable[Event]:
        """The session has begun."""
        raise NotImplementedError

    def happened(self, packet: Packet) -> Iterable[Event]:
        """A whole packet has come."""
        raise NotImplementedError


def _put_in(value: Any, attachments: list[bytes]) -> Any:
    """The value with its bytes in base64, as JSON can show them."""
    if isinstance(value, list):
        return [_put_in(each, attachments) for each in value]
    if isinstance(value, dict):
        number = value.get("num")
        if value.get("_placeholder") is True and isinstance(number, int) and 0 <= number < len(attachments):
            return base64.b64encode(attachments[number]).decode()
        return {key: _put_in(each, attachments) for key, each in value.items()}
    return value

"""A server without a pack: messages are what its filters make of them.

One with `filtered_websocket.filters.history` says so in its handshake. Each message then has its position, and the next
connection asks for all that came after the last one.
"""

from collections.abc import Iterable, Mapping
from urllib.parse import SplitResult, parse_qsl, urlencode

from filtered_websocket.commands.fws_client.protocols.base import (
    BadTerms,
    Event,
    Frame,
    Heard,
    Incomplete,
    Protocol,
    Terms,
    loads,
    text_of,
)

POSITIONS = "History-Positions"
"""The header of a server that tells positions: ``json``, ``prefix`` or ``none``."""


class Plain(Protocol):
    names = "none"
    takes_json = False
    returns = False  # as far as one can know

    def __init__(self, url: SplitResult, terms: Terms) -> None:
        super().__init__(url, terms)
        self._position = ""
        self._told = "none"
        self._is_answered = False

    def address(self) -> str:
        if not self._position:
            return self.url.geturl()
        # Not `last` too: what has been shown is not shown again.
        query = [each for each in parse_qsl(self.url.query, keep_blank_values=True) if each[0] not in ("since", "last")]
        return self.url._replace(query=urlencode([*query, ("since", self._position)])).geturl()

    def headers(self) -> dict[str, str]:
        return self.bearer()

    def accepted(self, headers: Mapping[str, str]) -> None:
        self._told = headers.get(POSITIONS, "none")
        self._is_answered = False

    def hear(self, frame: Frame) -> Iterable[Event]:
        if self._told == "none":
            yield Heard(frame, "", frame)
            return
        packet = None if isinstance(frame, bytes) or (self._told == "prefix" and self._is_answered) else loads(frame)
        if packet is not None and "position" in packet and not packet.keys() & {"data", "binary"}:
            self._is_answered = True
            self._position = text_of(packet["position"])
            if packet.get("recovered") is False:
                yield Incomplete(text_of(packet.get("reason")))
        elif self._told == "json":
            yield self._in_json(packet, frame)
        else:
            yield self._in_front(frame)

    def _in_json(self, packet: dict[str, object] | None, frame: Frame) -> Heard:
        if packet is None or "position" not in packet:
            return Heard(frame, "", frame)
        self._position = text_of(packet["position"])
        return Heard(frame, "", packet.get("data", packet.get("binary")))

    def _in_front(self, frame: Frame) -> Heard:
        position, space, payload = frame.partition(b" ") if isinstance(frame, bytes) else frame.partition(" ")
        text = position.decode("utf-8", "replace") if isinstance(position, bytes) else position
        epoch, colon, offset = text.rpartition(":")
        if not (space and epoch and colon and offset.isdecimal()):
            return Heard(frame, "", frame)
        self._position = text
        return Heard(frame, "", payload)

    def subscribe(self, channel: str) -> Frame | None:
        raise BadTerms("without --pack there are no channels: say what your filters understand")

    def publish(self, channel: str, data: Frame) -> Frame:
        return data

"""Philote: the token says what is received, and what may be said; nothing is acknowledged, nor refused aloud."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import SplitResult

from filtered_websocket.commands.fws_client.protocols.base import (
    Denied,
    Event,
    Frame,
    Heard,
    Protocol,
    Terms,
    dumps,
    loads,
    text_of,
)


class Philote(Protocol):
    names = "optional"
    takes_json = False
    returns = False

    def __init__(self, url: SplitResult, terms: Terms) -> None:
        super().__init__(url, terms)
        self._wanted: set[str] | None = None

    def headers(self) -> dict[str, str]:
        return self.bearer()

    def hear(self, frame: Frame) -> Iterable[Event]:
        packet = loads(frame) or {}
        channel = text_of(packet.get("channel"))
        if "error" in packet:
            yield Denied(str(packet["error"]))
        elif self._wanted is None or channel in self._wanted:
            yield Heard(frame, channel, packet.get("data", ""))

    def subscribe(self, channel: str) -> None:
        # The token has done so: here the others are left out.
        self._wanted = (self._wanted or set()) | {channel}

    def unsubscribe(self, channel: str) -> None:
        self._wanted = (self._wanted or set()) - {channel}

    def publish(self, channel: str, data: Any) -> Frame:
        return dumps({"channel": channel, "data": data})

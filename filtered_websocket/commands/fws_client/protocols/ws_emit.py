"""WS-Emit: Socket.IO 5 on Engine.IO 4 over a WebSocket. Clients enter rooms; emitting goes by HTTP, with the secret.

The server acknowledges a join whether it let the client in or not, and does not say which room an event was for.
"""

import base64
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import SplitResult

from filtered_websocket.commands.fws_client.protocols.base import (
    Answer,
    BadTerms,
    Denied,
    Established,
    Event,
    Frame,
    Heard,
    Post,
    Protocol,
    Subscribed,
    Terms,
    dumps,
    of_http,
    one_line,
)

QUERY = "EIO=4&transport=websocket"
_PACKET = re.compile(r"4([0-6])(?:([0-9]+)-)?(?:(/[^,]*),?)?([0-9]+)?(.*)", re.DOTALL)


class WsEmit(Protocol):
    names = "optional"
    confirms = True
    greets = True

    def __init__(self, url: SplitResult, terms: Terms) -> None:
        super().__init__(url, terms)
        self.begin()

    def address(self) -> str:
        path = self.url.path if self.url.path.strip("/") else "/socket.io/"
        return self.url._replace(path=path, query=self.url.query or QUERY).geturl()

    def begin(self) -> None:
        self._asked: dict[int, str] = {}
        self._number = 0
        self._event: Any = None
        self._attachments: list[bytes] = []
        self._missing = 0

    def hear(self, frame: Frame) -> Iterable[Event]:
        if isinstance(frame, bytes):
            yield from self._attach(frame)
        elif frame.startswith("0"):
            yield Answer("40")
        elif frame.startswith("2"):
            yield Answer("3" + frame[1:])
        elif frame.startswith("4"):
            yield from self._packet(frame)

    def _packet(self, frame: str) -> Iterator[Event]:
        found = _PACKET.fullmatch(frame)
        if found is None:
            return
        kind, attachments, _, number, rest = found.groups()
        if kind == "0":
            yield Established()
        elif kind == "3" and int(number or -1) in self._asked:
            yield Subscribed(self._asked.pop(int(number)))
        elif kind == "4":
            yield Denied(rest or "the server refuses the namespace")
        elif kind in "25":
            try:
                self._event = json.loads(rest)
            except (ValueError, RecursionError):
                return
            self._attachments, self._missing = [], int(attachments or 0)
            if not self._missing:
                yield from self._complete()

    def _attach(self, data: bytes) -> Iterator[Event]:
        if self._missing:
            self._attachments.append(data)
            self._missing -= 1
            if not self._missing:
                yield from self._complete()

    def _complete(self) -> Iterator[Event]:
        event = _put_in(self._event, self._attachments)
        if isinstance(event, list) and event and isinstance(event[0], str):
            arguments = event[1:]
            yield Heard(one_line(event), event[0], arguments[0] if len(arguments) == 1 else arguments)

    def subscribe(self, channel: str) -> Frame:
        secret = {"secret": self.terms.key} if self.terms.key else {}
        self._number += 1
        self._asked[self._number] = channel
        return f"42{self._number}{dumps(['join', {'room': channel, **secret}])}"

    def unsubscribe(self, channel: str) -> Frame:
        return "42" + dumps(["leave", {"room": channel}])

    def publish(self, channel: str, data: Any) -> Post:
        if not self.terms.secret:
            raise BadTerms("clients of WS-Emit do not publish: --secret is wanted, that of POST /emit")
        event = self.terms.event or "message"
        body = {"event": event, "room": channel or None, "data": data, "secret": self.terms.secret}
        url = of_http(self.url, f"{self.url.path.rpartition('/socket.io')[0]}/emit")
        return Post(url, dumps(body).encode(), {"Content-Type": "application/json"})


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

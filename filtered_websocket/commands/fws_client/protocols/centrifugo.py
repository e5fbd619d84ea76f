"""Centrifugo, in JSON: commands have numbers, and answers theirs; what was missed meanwhile comes with the answer.

{"id":1,"connect":{"token":".."}}               {"id":1,"connect":{"client":"..","pong":true}}
{"id":2,"subscribe":{"channel":"news",..}}      {"id":2,"subscribe":{"epoch":"..","offset":7,"publications":[..]}}
{"id":3,"publish":{"channel":"news","data":5}}  {"id":3,"publish":{}}, or {"id":3,"error":{"code":103,..}}
                                                {"push":{"channel":"news","pub":{"data":5,"offset":8}}}, {}: a ping
"""

import json
from collections.abc import Iterable, Iterator
from itertools import count
from typing import Any, NamedTuple
from urllib.parse import SplitResult

from filtered_websocket.commands.fws_client.protocols.base import (
    AWAY,
    Acknowledged,
    Answer,
    Call,
    Denied,
    Established,
    Event,
    Frame,
    Heard,
    Incomplete,
    Post,
    Protocol,
    Subscribed,
    Terms,
    dumps,
    json_object,
    loads,
    of_http,
    text_of,
)

PATH = "/connection/websocket"
COMES_AGAIN = 2500
"""From this code of an unsubscribe push on a client subscribes again."""


class _Asked(NamedTuple):
    """A command that has not been answered."""

    what: str
    channel: str = ""
    recovers: bool = False


class Centrifugo(Protocol):
    confirms = True
    greets = True
    away = AWAY | {*range(3000, 3500), *range(4000, 4500)}

    def __init__(self, url: SplitResult, terms: Terms) -> None:
        super().__init__(url, terms)
        self._auth = json_object(terms.auth)
        # Not counted anew on the next connection: what one may have lost is sent again as it was.
        self._numbers = count(1)
        self._asked: dict[int, _Asked] = {}
        self._positions: dict[str, tuple[str, int]] = {}

    def address(self) -> str:
        return self.url._replace(path=self.url.path if self.url.path.strip("/") else PATH).geturl()

    def begin(self) -> None:
        self._asked = {number: asked for number, asked in self._asked.items() if asked.what == "publish"}

    def opening(self) -> Frame:
        given = {"token": self.terms.token} if self.terms.token else {}
        return self._command(
            _Asked("connect"), {"name": "fws_client", **given, **({"data": self._auth} if self._auth else {})}
        )

    def _command(self, asked: _Asked, request: dict[str, Any]) -> str:
        number = next(self._numbers)
        self._asked[number] = asked
        return dumps({"id": number, asked.what: request})

    def hear(self, frame: Frame) -> Iterable[Event]:
        for line in (frame if isinstance(frame, str) else frame.decode("utf-8", "replace")).split("\n"):
            message = loads(line)
            if message is None:
                yield Heard(line, "", line)
            elif not message:
                yield Answer("{}")
            elif "id" in message:
                yield from self._answered(message)
            else:
                yield from self._pushed(line, _members(message, "push"))

    def _answered(self, message: dict[str, Any]) -> Iterator[Event]:
        number = message["id"]
        asked = self._asked.pop(number, None) if isinstance(number, int) else None
        if asked is None:
            return
        if "error" in message:
            error = _members(message, "error")
            yield Denied(f"{error.get('code')} {error.get('message')}", asked.channel)
        elif asked.what == "connect":
            yield Established()
        elif asked.what == "subscribe":
            yield from self._subscribed(asked, _members(message, "subscribe"))
        if asked.what == "publish":
            yield Acknowledged(number)

    def _subscribed(self, asked: _Asked, result: dict[str, Any]) -> Iterator[Event]:
        channel, offset = asked.channel, result.get("offset", 0)
        if result.get("recoverable"):
            self._positions[channel] = text_of(result.get("epoch")), offset if isinstance(offset, int) else 0
        if asked.recovers and not result.get("recovered"):
            yield Incomplete(f"what was published to {channel} meanwhile cannot be had")
        missed = result.get("publications")
        for each in missed if isinstance(missed, list) else ():
            yield from self._pushed(dumps({"channel": channel, "pub": each}), {"channel": channel, "pub": each})
        yield Subscribed(channel)

    def _pushed(self, line: str, push: dict[str, Any]) -> Iterator[Event]:
        channel = text_of(push.get("channel"))
        if "pub" in push:
            publication = _members(push, "pub")
            offset = publication.get("offset")
            if channel in self._positions and isinstance(offset, int):
                self._positions[channel] = self._positions[channel][0], offset
            yield Heard(line, channel, publication.get("data"))
        elif "message" in push:
            yield Heard(line, "", _members(push, "message").get("data"))
        elif "unsubscribe" in push:
            end = _members(push, "unsubscribe")
            code = end.get("code")
            if isinstance(code, int) and code >= COMES_AGAIN:
                yield Answer(self.subscribe(channel))
            else:
                yield Denied(f"the server has put this client out: {code} {end.get('reason', '')}".rstrip(), channel)

    def subscribe(self, channel: str) -> Frame:
        known = self._positions.get(channel)
        since = {} if known is None else {"recover": True, "epoch": known[0], "offset": known[1]}
        request = {"channel": channel, "recoverable": True, **since}
        return self._command(_Asked("subscribe", channel, known is not None), request)

    def unsubscribe(self, channel: str) -> Frame:
        self._positions.pop(channel, None)
        return self._command(_Asked("unsubscribe"), {"channel": channel})

    def publish(self, channel: str, data: Any) -> Call | Post:
        request = {"channel": channel, "data": data}
        if self.terms.key:
            headers = {
                "Content-Type": "application/json",
                "X-API-Key": self.terms.key,
                "X-Centrifugo-Error-Mode": "transport",
            }
            path = f"{self.url.path.rpartition('/connection/')[0]}/api/publish"
            return Post(of_http(self.url, path), dumps(request).encode(), headers)
        frame = self._command(_Asked("publish", channel), request)
        return Call(frame, json.loads(frame)["id"])


def _members(packet: dict[str, Any], name: str) -> dict[str, Any]:
    found = packet.get(name)
    return found if isinstance(found, dict) else {}

"""WSPS: JSON with keys, no acknowledgement, no unsubscribe; a client that is refused anything is closed with 1002."""

from collections.abc import Iterable
from typing import Any

from filtered_websocket.commands.fws_client.protocols.base import Event, Frame, Heard, Protocol, dumps, loads, text_of


class Wsps(Protocol):
    def hear(self, frame: Frame) -> Iterable[Event]:
        packet = loads(frame)
        if packet is None:
            yield Heard(frame, "", frame)
        else:
            yield Heard(frame, text_of(packet.get("channel")), packet.get("data"))

    def subscribe(self, channel: str) -> Frame:
        return dumps({"type": "subscribe", "channel": channel, **_key(self.terms.key)})

    def publish(self, channel: str, data: Any) -> Frame:
        key = _key(self.terms.publish_key or self.terms.key)
        return dumps({"type": "publish", "channel": channel, "data": data, **key})


def _key(key: str) -> dict[str, str]:
    return {"key": key} if key else {}

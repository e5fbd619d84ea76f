"""Pushi: a client in a channel publishes there, and gets its own events if it asks for an echo."""

from collections.abc import Iterable
from typing import Any

from filtered_websocket.commands.fws_client.protocols.base import Event, Frame, dumps
from filtered_websocket.commands.fws_client.protocols.channels import ChannelProtocol


class Pushi(ChannelProtocol):
    joins = True
    signed = ("private-", "presence-", "personal-", "peer-")

    def address(self) -> str:
        return self.url._replace(path=f"{self.url.path.removesuffix(self.app_key).rstrip('/')}/{self.app_key}").geturl()

    def happened(self, event: str, channel: str, packet: dict[str, Any], frame: Frame) -> Iterable[Event]:
        if event != "pusher_internal:unsubscription_succeeded":
            yield from super().happened(event, channel, packet, frame)

    def publish(self, channel: str, data: Any) -> Frame:
        event = self.terms.event or "message"
        persist = not self.terms.passing
        return dumps({"event": event, "channel": channel, "data": data, "echo": True, "persist": persist})

"""Pusher Channels: backends publish by signed HTTP; clients to the others of a private or presence channel."""

import hashlib
import time
from collections.abc import Iterable
from typing import Any
from urllib.parse import SplitResult

from filtered_websocket.commands.fws_client.protocols.base import (
    Answer,
    BadTerms,
    Event,
    Frame,
    Post,
    Terms,
    dumps,
    of_http,
)
from filtered_websocket.commands.fws_client.protocols.channels import ChannelProtocol
from filtered_websocket.filters.shared.signatures import sign


class Pusher(ChannelProtocol):
    def __init__(self, url: SplitResult, terms: Terms) -> None:
        super().__init__(url, terms)
        self.joins = not terms.app_id
        self.returns = bool(terms.app_id)

    def address(self) -> str:
        path = self.url.path if self.url.path.strip("/") else f"/app/{self.app_key}"
        return self.url._replace(path=path, query=self.url.query or "protocol=7&client=fws_client").geturl()

    def happened(self, event: str, channel: str, packet: dict[str, Any], frame: Frame) -> Iterable[Event]:
        if event == "pusher:ping":
            yield Answer('{"event":"pusher:pong","data":{}}')
        elif event not in ("pusher:pong", "pusher:cache_miss"):
            yield from super().happened(event, channel, packet, frame)

    def publish(self, channel: str, data: Any) -> Frame | Post:
        if self.terms.app_id:
            return self._posted(channel, data)
        if not channel.startswith(self.signed):
            raise BadTerms(f"clients publish to private- and presence- channels; --app_id publishes to {channel}")
        event = self.terms.event or "message"
        name = event if event.startswith("client-") else f"client-{event}"
        return dumps({"event": name, "channel": channel, "data": data})

    def _posted(self, channel: str, data: Any) -> Post:
        if not self.terms.secret:
            raise BadTerms("--app_id goes with --secret: events by HTTP are signed")
        text = data if isinstance(data, str) else dumps(data)
        body = dumps({"name": self.terms.event or "message", "channel": channel, "data": text}).encode()
        path = f"{self.url.path.rpartition('/app/')[0]}/apps/{self.terms.app_id}/events"
        query = (
            f"auth_key={self.app_key}&auth_timestamp={int(time.time())}&auth_version=1.0"
            f"&body_md5={hashlib.md5(body, usedforsecurity=False).hexdigest()}"
        )
        signature = sign(self.terms.secret, f"POST\n{path}\n{query}")
        url = f"{of_http(self.url, path)}?{query}&auth_signature={signature}"
        return Post(url, body, {"Content-Type": "application/json"})

"""Clients of the Pusher pack in the testing kit, and requests signed as the SDKs sign them."""

import hashlib
import json
import time
from typing import Any
from urllib.parse import quote

from twisted.internet.defer import Deferred

from filtered_websocket.filters.shared.signatures import sign
from filtered_websocket.testing.server import Server
from filtered_websocket.web.base import HTTPRequest

PUSHER = "filtered_websocket.filters.pusher"
KEY, SECRET = "app-key", "app-secret"
APP = {"id": "1001", "key": KEY, "secret": SECRET, "client_events": True}
OTHER = {"id": "1002", "key": "other-key", "secret": "other-secret"}


def serving(app: dict[str, Any] = APP, **options: Any) -> Server:
    return Server(PUSHER, pusher_apps=[app, OTHER], **options)


class Client:
    """One connection of an app."""

    def __init__(self, server: Server, key: str = KEY, query: str = "?protocol=7&client=js") -> None:
        self.server = server
        self.client = server.connect(f"/app/{key}{query}")
        self.first = self.packets()[0]
        self.id = json.loads(self.first["data"])["socket_id"] if isinstance(self.first["data"], str) else ""

    def packets(self) -> list[dict[str, Any]]:
        return [json.loads(message) for message in self.client.received()]

    def events(self) -> list[tuple[str, Any]]:
        """Names and data of what has come."""
        return [(packet["event"], packet["data"]) for packet in self.packets()]

    def send(self, event: str, data: Any = None, channel: str | None = None, **more: Any) -> None:
        packet = {"event": event, "data": data, "channel": channel} | more
        self.client.send(json.dumps({name: value for name, value in packet.items() if value is not None}))

    def auth(self, channel: str, about: str | None = None) -> str:
        signed = f"{self.id}:{channel}" if about is None else f"{self.id}:{channel}:{about}"
        return f"{KEY}:{sign(SECRET, signed)}"

    def subscribe(self, channel: str, user: Any = None, **about: Any) -> list[dict[str, Any]]:
        """Subscribe with a signature; what came as an answer."""
        data: dict[str, Any] = {"channel": channel}
        if user is not None:
            data["channel_data"] = json.dumps({"user_id": user} | about)
        data["auth"] = self.auth(channel, data.get("channel_data"))
        self.send("pusher:subscribe", data)
        return self.packets()

    def sign_in(self, user: str) -> list[dict[str, Any]]:
        user_data = json.dumps({"id": user, "user_info": {"n": user}})
        auth = f"{KEY}:{sign(SECRET, f'{self.id}::user::{user_data}')}"
        self.send("pusher:signin", {"auth": auth, "user_data": user_data})
        return self.packets()


def signed(method: str, path: str, body: Any = None, secret: str = SECRET, **params: str) -> HTTPRequest:
    """A request as an SDK makes it."""
    raw = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    query = {"auth_key": KEY, "auth_timestamp": str(int(time.time())), "auth_version": "1.0"}
    if raw:
        query["body_md5"] = hashlib.md5(raw).hexdigest()
    query |= params
    text = "&".join(f"{name.lower()}={value}" for name, value in sorted(query.items()))
    query["auth_signature"] = sign(secret, f"{method}\n{path}\n{text}")
    uri = f"{quote(path)}?" + "&".join(f"{name}={quote(value)}" for name, value in query.items())
    return HTTPRequest(method, uri, body=raw)


def ask(server: Server, request: HTTPRequest) -> tuple[int, Any]:
    """The site's answer to a request: status and body."""
    site = server.server.site
    answer = site.answer(site.routes.find(request), request)
    if isinstance(answer, Deferred):
        answer = server.result(answer)
    return answer.status, json.loads(answer.body)


def post(server: Server, what: str, body: Any, **params: str) -> tuple[int, Any]:
    return ask(server, signed("POST", f"/apps/1001/{what}", body, **params))


def get(server: Server, what: str, **params: str) -> tuple[int, Any]:
    return ask(server, signed("GET", f"/apps/1001/{what}", **params))


SUCCEEDED = "pusher_internal:subscription_succeeded"


def refused_subscription(packets):
    (packet,) = packets
    assert packet["event"] == "pusher:subscription_error"
    return packet["channel"], packet["data"]["status"]


EVENT = {"name": "x", "data": "d", "channel": "room"}

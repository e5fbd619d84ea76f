"""Clients of the Pushi pack in the testing kit, and requests to its HTTP API."""

import json
from typing import Any

from twisted.internet.defer import Deferred

from filtered_websocket.filters.shared.signatures import sign
from filtered_websocket.testing.server import Server
from filtered_websocket.web.base import HTTPRequest

PUSHI = "filtered_websocket.filters.pushi"
KEY, SECRET = "k" * 64, "app-secret"
APP = {"id": "app1", "key": KEY, "secret": SECRET, "name": "first"}
OTHER = {"id": "app2", "key": "o" * 64, "secret": "other-secret", "name": "second"}


def serving(app: dict[str, Any] = APP, **options: Any) -> Server:
    return Server(PUSHI, pushi_apps=[app, OTHER], **options)


class Client:
    """One connection of an app."""

    def __init__(self, server: Server, key: str = KEY, secret: str = SECRET) -> None:
        self.client = server.connect(f"/{key}")
        self._key, self._secret = key, secret
        (first,) = self.packets()
        assert first.keys() == {"event", "data"}
        assert first["event"] == "pusher:connection_established"
        self.id = json.loads(first["data"])["socket_id"]

    def packets(self) -> list[dict[str, Any]]:
        return [json.loads(message) for message in self.client.received()]

    def events(self) -> list[tuple[str, str, Any]]:
        """Channels, names and data of what has come."""
        return [(packet["channel"], packet["event"], packet["data"]) for packet in self.packets()]

    def send(self, event: str, data: Any = None, channel: str | None = None, **more: Any) -> None:
        packet = {"event": event, "data": data, "channel": channel} | more
        self.client.send(json.dumps({name: value for name, value in packet.items() if value is not None}))

    def say(self, channel: str, data: Any, **more: Any) -> None:
        self.send("message", data, channel, **({"persist": False} | more))

    def auth(self, text: str) -> str:
        return f"{self._key}:{sign(self._secret, f'{self.id}:{text}')}"

    def ask(self, event: str, channel: str, **data: Any) -> dict[str, Any]:
        """One of the pusher: packets; what its one answer tells about the channel, or its error."""
        self.send(f"pusher:{event}", {"channel": channel} | data)
        (answer,) = self.packets()
        assert answer["channel"] == channel
        return {"event": answer["event"].rpartition(":")[2]} | json.loads(answer["data"])

    def subscribe(self, channel: str, channel_data: Any = None) -> dict[str, Any]:
        """Subscribe with a signature."""
        data = {"auth": self.auth(channel)} | ({} if channel_data is None else {"channel_data": channel_data})
        return self.ask("subscribe", channel, **data)


class Http:
    """A client of the HTTP API, logged in as an app."""

    def __init__(self, server: Server, app: dict[str, Any] | None = APP) -> None:
        self.server = server
        self.sid = ""
        if app is not None:
            status, body = self.ask("GET", f"/login?app_id={app['id']}&app_key={app['key']}&app_secret={app['secret']}")
            assert status == 200
            self.sid = body["token"]

    def ask(self, method: str, path: str, body: Any = None, headers: Any = None) -> tuple[int, Any]:
        response = self.response(method, path, body, headers)
        return response.status, json.loads(response.body)

    def response(self, method: str, path: str, body: Any = None, headers: Any = None) -> Any:
        raw = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        if self.sid:
            path += f"{'&' if '?' in path else '?'}sid={self.sid}"
        site = self.server.server.site
        request = HTTPRequest(method, path, headers or {}, raw, server=site.server)
        answer = site.answer(site.routes.find(request), request)
        return self.server.result(answer) if isinstance(answer, Deferred) else answer

    def get(self, path: str) -> Any:
        status, body = self.ask("GET", path)
        assert status == 200, body
        return body

    def post(self, path: str, body: Any) -> Any:
        status, answer = self.ask("POST", path, body)
        assert status == 200, answer
        return answer

    def trigger(self, channel: Any, data: Any, **more: Any) -> None:
        assert self.post("/events", {"channel": channel, "data": data} | more) == {"result": "success"}


def said(event: dict[str, Any]) -> Any:
    """What was said in an event's record."""
    return event["data"]["data"]


SUCCEEDED = "subscription_succeeded"


def error_of(status, body):
    assert body.keys() == {"result", "name", "message", "code"}
    assert (body["result"], body["code"]) == ("error", status)
    return status

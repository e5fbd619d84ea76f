"""What the tests of the dashboard look at."""

from typing import Any

from filtered_websocket.filters.base import WebSocketConnectFilter, WebSocketMessageFilter
from tests.support.http_client import Answer, ask
from tests.support.serving import Served

SECRET = "the publish secret"


class Join(WebSocketConnectFilter):
    @classmethod
    def filter(cls, connection: Any, data: None) -> Any:
        return connection.subscribe("all")


class Spread(WebSocketMessageFilter):
    @classmethod
    def filter(cls, connection: Any, data: bytearray) -> None:
        connection.publish("all", bytes(data))


def shown(served: Served, query: str = "", headers: dict[str, str] | None = None) -> Any:
    answer = ask(served.address, "GET", f"/dashboard/figures{query}", headers=headers or {})
    assert answer.status == 200
    return answer.json


def post(served: Served, path: str, body: Any, secret: str = SECRET, **headers: str) -> Answer:
    return ask(served.address, "POST", f"/dashboard/{path}", body, {"Publish-Secret": secret, **headers})

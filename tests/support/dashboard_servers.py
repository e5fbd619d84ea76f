"""What the tests of the dashboard look at."""

import json
from typing import Any
from urllib.parse import quote

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


def shown(served: Served, since: Any = (0, 0), headers: dict[str, str] | None = None) -> Any:
    """The figures of the one process, and what is told beside them.

    :param since: the time of the newest sample and the number of the newest line that the page has
    """
    given = quote(json.dumps({served.server.cluster.name: list(since)}))
    answer = ask(served.address, "GET", f"/dashboard/figures?since={given}", headers=headers or {})
    assert answer.status == 200
    (figures,) = answer.json.pop("processes").values()
    return figures | answer.json


def post(served: Served, path: str, body: Any, secret: str = SECRET, **headers: str) -> Answer:
    return ask(served.address, "POST", f"/dashboard/{path}", body, {"Publish-Secret": secret, **headers})

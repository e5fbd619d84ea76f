import json
from typing import Any

import pytest

from filtered_websocket.filters.base import WebSocketConnectFilter
from tests.support.http_client import Answer, ask
from tests.support.serving import Served, serving

SECRET = {"Authorization": "Bearer s3cret"}


class Join(WebSocketConnectFilter):
    @classmethod
    async def filter(cls, connection: Any, data: None) -> None:
        await connection.subscribe("news")
        await connection.subscribe("other")
        connection.sendMessage("joined")


def publish(served: Served, body: Any, headers: Any = SECRET) -> Answer:
    return ask(served.address, "POST", "/publish", body, headers)


def received(client: Any) -> str:
    frame = client.receive()
    assert frame is not None
    return frame.payload.decode()


def test_what_is_posted_reaches_subscribers_once() -> None:
    with serving(Join, publish_secret="s3cret") as served, served.open() as client:
        assert received(client) == "joined"
        assert publish(served, {"channel": "news", "data": "grüße"}).json == {"channels": 1}
        assert received(client) == "grüße"
        assert publish(served, {"channels": ["news", "other", "news"], "data": {"ü": [1]}}).json == {"channels": 2}
        assert json.loads(received(client)) == {"ü": [1]}
        publish(served, {"channel": "news", "data": None})
        assert received(client) == "null"


def test_without_the_option_there_is_nothing_to_post_to() -> None:
    with serving(Join) as served:
        refused = publish(served, {"channel": "news", "data": "x"})
        assert refused.status == 404
        assert "publish_secret" in refused.json["error"]


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer s3cre"}, {"Authorization": "s3cret"}])
def test_without_the_secret_it_is_401(headers: dict[str, str]) -> None:
    with serving(Join, publish_secret="s3cret") as served:
        refused = publish(served, {"channel": "news", "data": "x"}, headers)
        assert (refused.status, refused.headers["www-authenticate"]) == (401, "Bearer")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("no json", 400),
        ([], 400),
        ({}, 400),
        ({"channel": "a"}, 400),
        ({"data": "x"}, 400),
        ({"channel": "a", "channels": ["b"], "data": "x"}, 400),
        ({"channel": "a", "data": "x", "chanel": "b"}, 400),
        ({"channel": 7, "data": "x"}, 400),
        ({"channel": "a" * 300, "data": "x"}, 400),
        ({"channels": [], "data": "x"}, 400),
        ({"channels": ["a"] * 101, "data": "x"}, 400),
        ({"channels": "a", "data": "x"}, 400),
        ({"channels": [["a"]], "data": "x"}, 400),
        ('{"channel": "a", "data": "\\ud800"}', 400),
        ('{"channel": "\\ud800", "data": "x"}', 400),
        ({"channel": "a", "data": "x", "pipeline": "/none"}, 404),
        ({"channel": "a", "data": "x", "pipeline": ["/none"]}, 404),
        ({"channel": "a", "data": "x" * 1_100_000}, 413),
    ],
)
def test_what_cannot_be_published_is_refused_with_a_sentence(body: Any, status: int) -> None:
    with serving(Join, publish_secret="s3cret") as served:
        refused = publish(served, body)
        assert (refused.status, type(refused.json["error"])) == (status, str)
        assert served.counted("failed", "endpoint") == 0


def test_a_repetition_with_the_same_key_is_answered_and_not_published_again() -> None:
    keyed = {**SECRET, "Idempotency-Key": "k1"}
    with serving(Join, publish_secret="s3cret") as served, served.open() as client:
        assert received(client) == "joined"
        first = publish(served, {"channel": "news", "data": "once"}, keyed)
        again = publish(served, {"channel": "news", "data": "once"}, keyed)
        assert (first.body, again.body, again.headers["idempotency-replayed"]) == (first.body, first.body, "true")
        assert publish(served, {"channel": "news", "data": "other"}, keyed).status == 409
        publish(served, {"channel": "news", "data": "last"})
        assert [received(client), received(client)] == ["once", "last"]

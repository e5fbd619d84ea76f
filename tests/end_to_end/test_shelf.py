"""Eight filters of the shelf in one chain, on the real server: a client that comes back gets what it missed as it was
rewritten, once, whatever stands in front of history.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.filters.composition import FILTERS, JWT_SECRET, query
from tests.support.fws_server import FwsServer, Start
from tests.support.raw_client import RawClient
from tests.support.redis_server import RedisServer

CHAIN = ("jwt_auth", "audit_log", "json_schema", "rewrite", "exec_pipe", "presence", "history", "broadcast_messages")
SCHEMA = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}


class Page:
    """A client that keeps its position, and what it has heard by kinds."""

    def __init__(self, server: FwsServer, user: str, since: str = "") -> None:
        self.client: RawClient = server.open(f"/?{query(user)}{f'&since={since}' if since else ''}")
        self.position = since
        self.answer: dict[str, Any] | None = None
        self.heard: list[str] = []
        self.presence: list[tuple[str, list[str]]] = []
        while self.answer is None:
            self.next()

    def next(self) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(self.client.text())
        if "presence" in message:
            self.presence.append((message["presence"], message["users"]))
        elif "data" in message:
            self.heard.append(json.loads(message["data"])["text"])
        elif "position" in message:
            self.answer = message
        self.position = message.get("position", self.position)
        return message

    def say(self, text: Any) -> None:
        self.client.send(json.dumps({"text": text}))

    def hear(self, count: int) -> list[str]:
        """So many more publications, and their texts."""
        before = len(self.heard)
        while len(self.heard) < before + count:
            self.next()
        return self.heard[before:]


@pytest.mark.parametrize("storage", ["memory", "redis"])
def test_what_was_missed_comes_as_it_was_rewritten_and_once(
    fws_server: Start, tmp_path: Path, storage: str, request: pytest.FixtureRequest
) -> None:
    more: list[str] = []
    if storage == "redis":
        redis: RedisServer = request.getfixturevalue("redis_server")
        redis.ask("FLUSHALL")
        more = ["--redis_url", redis.url]
    (tmp_path / "schema.json").write_text(json.dumps(SCHEMA))
    audit = tmp_path / f"audit-{storage}.jsonl"
    options = {
        "jwt_secret": JWT_SECRET, "jwt_from": "query", "audit_file": str(audit), "rewrite": "s/damn/****/g",
        "exec_pipe": "sed -u s/cat/dog/", "json_schema": str(tmp_path / "schema.json"), "storage": storage,
    }  # fmt: skip
    flags = [part for name, value in options.items() for part in (f"--{name}", value)]
    server = fws_server("-f", *(FILTERS + name for name in CHAIN), *flags, *more)
    ann, bob = Page(server, "ann"), Page(server, "bob")
    bob.say("damn cat 1")
    assert ann.hear(1) == ["**** dog 1"]
    ann.client.quit()
    while ("left", ["ann"]) not in bob.presence:
        bob.next()
    bob.say(5)
    assert bob.next()["at"] == "/text"
    for number in range(2, 5):
        bob.say(f"damn cat {number}")
    bob.say("the end of it")
    watcher = Page(server, "eve")  # all that was said is stored once it has heard what comes behind
    bob.say("more")
    watcher.hear(1)
    back = Page(server, "ann", ann.position)
    assert back.answer is not None
    assert back.answer["recovered"]
    missed = [*(f"**** dog {number}" for number in range(2, 5)), "the end of it", "more"]
    assert back.hear(len(missed)) == missed
    bob.say("live cat")
    assert back.hear(1) == ["live dog"]
    assert "ann" in next(users for kind, users in back.presence if kind == "here")
    while ("joined", ["ann"]) not in bob.presence:
        bob.next()
    for each in (bob, back, watcher):
        each.client.quit()
    server.signal()
    server.wait()
    lines = [json.loads(each) for each in audit.read_text().splitlines()]
    assert sum(each["event"] == "message" and each["user"] == "bob" for each in lines) == 8
    connects = [each["user"] for each in lines if each["event"] == "connect"]
    assert sorted(connects) == sorted(each["user"] for each in lines if each["event"] == "disconnect")
    assert sorted(connects) == ["ann", "ann", "bob", "eve"]

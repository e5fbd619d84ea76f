"""Two nodes on one Redis, several sockets for each user, one node killed: presence is exact, and told once."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from filtered_websocket.filters.shared.signatures import sign
from tests.support.channel_servers import running
from tests.support.fws_server import FwsServer
from tests.support.lines import PythonApi
from tests.support.receiver import receiving
from tests.support.redis_server import RedisServer
from tests.support.websocket_client import ClientConnection, connect

DEADLINE = 15
KEY, SECRET = "k" * 64, "secret"
LEASE = 2

PACKS = {
    "pushi": {"pushi_apps": [{"id": "app1", "key": KEY, "secret": SECRET}]},
    "pusher": {"pusher_apps": [{"id": "1001", "key": KEY, "secret": SECRET}]},
}
PATHS = {"pushi": f"/{KEY}", "pusher": f"/app/{KEY}?protocol=7"}


class Member:
    """One socket of a user in the channel presence-room; its client is the library websockets."""

    def __init__(self, pack: str, server: FwsServer, user: str, stack: ExitStack) -> None:
        self.pack = pack
        url = f"ws://127.0.0.1:{server.port}{PATHS[pack]}"
        self.client: ClientConnection = stack.enter_context(connect(url, close_timeout=0.1))
        socket_id = self.packet("pusher:connection_established")["socket_id"]
        about = json.dumps({"user_id": user})
        auth = f"{KEY}:{sign(SECRET, f'{socket_id}:presence-room:{about}')}"
        data = {"channel": "presence-room", "auth": auth, "channel_data": about}
        self.client.send(json.dumps({"event": "pusher:subscribe", "data": data}))
        answer = self.packet("pusher_internal:subscription_succeeded")
        self.members = set(answer["members"] if pack == "pushi" else answer["presence"]["ids"])

    def packet(self, event: str) -> Any:
        """The data of the next packet, which is of this event."""
        packet = json.loads(self.client.recv(DEADLINE))
        assert packet["event"] == event, packet
        return json.loads(packet["data"])

    def edge(self, which: str) -> str:
        """The users that have come (added) or gone (removed), as the next packet says."""
        event = f"pusher:member_{which}" if self.pack == "pushi" else f"pusher_internal:member_{which}"
        return str(self.packet(event)["user_id"])


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture(params=PACKS)
def nodes(request: Any, tmp_path: Path, stack: ExitStack) -> Callable[[], tuple[str, FwsServer, FwsServer]]:
    redis = stack.enter_context(RedisServer(tmp_path / "redis"))
    storage = {"storage": "redis", "redis_url": redis.url, "lease_seconds": LEASE}

    def begin() -> tuple[str, FwsServer, FwsServer]:
        servers = []
        for name in ("a", "b"):
            (tmp_path / name).mkdir()
            options = {"filters": [f"filtered_websocket.filters.{request.param}"], **PACKS[request.param], **storage}
            servers.append(stack.enter_context(running(tmp_path / name, **options)))
        return request.param, servers[0], servers[1]

    return begin


def test_presence_is_exact_after_a_kill_and_its_events_come_once(nodes: Any, stack: ExitStack) -> None:
    pack, a, b = nodes()
    watcher = Member(pack, a, "watcher", stack)
    # Three sockets each: one user on the node that will die, one on both, one on the node that stays.
    for user, places in (("dies", (b, b, b)), ("both", (a, b, b)), ("stays", (a, a, a))):
        for place in places:
            member = Member(pack, place, user, stack)
        assert watcher.edge("added") == user
    assert member.members == {"watcher", "dies", "both", "stays"}
    b.process.kill()
    assert watcher.edge("removed") == "dies"
    # Had anybody else been told of, it would stand before this.
    late = Member(pack, a, "late", stack)
    assert late.members == {"watcher", "both", "stays", "late"}
    assert watcher.edge("added") == "late"


def test_a_user_that_moves_from_node_to_node_ends_up_there(nodes: Any, stack: ExitStack) -> None:
    pack, a, b = nodes()
    watcher = Member(pack, a, "watcher", stack)
    places = [b, a, b, a]
    mover = Member(pack, a, "mover", stack)
    for place in places:
        then, mover = mover, Member(pack, place, "mover", stack)
        then.client.close()
    assert watcher.edge("added") == "mover"
    last = Member(pack, b, "last", stack)
    assert last.members == {"watcher", "mover", "last"}
    assert watcher.edge("added") == "last"
    mover.client.close()
    assert watcher.edge("removed") == "mover"


def test_counts_and_web_hooks_are_those_of_the_cluster_also_after_a_kill(tmp_path: Path, stack: ExitStack) -> None:
    redis, receiver = stack.enter_context(RedisServer(tmp_path / "redis")), stack.enter_context(receiving())
    options = {"storage": "redis", "redis_url": redis.url, "lease_seconds": LEASE, "pusher_webhook_private": True}
    options["pusher_apps"] = [{"id": "1001", "key": KEY, "secret": SECRET, "webhooks": [receiver.url]}]
    servers, sdks = [], []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        server = running(tmp_path / name, filters=["filtered_websocket.filters.pusher"], **options)
        servers.append(stack.enter_context(server))
        app = {"app_id": "1001", "key": KEY, "secret": SECRET, "ssl": False}
        api = PythonApi("pusher", "pusher", "Pusher", **app, host="127.0.0.1", port=servers[-1].port)
        sdks.append(stack.enter_context(api))
    a, b = servers
    told: list[tuple[str, str]] = []

    def hear(count: int) -> set[tuple[str, str]]:
        """What hooks are told next, each with the user it is about."""
        heard: list[tuple[str, str]] = []
        while len(heard) < count:
            events = json.loads(receiver.next().body)["events"]
            heard += [(event["name"], event.get("user_id", "")) for event in events]
        told.extend(heard)
        return set(heard)

    def counts(sdk: PythonApi) -> tuple[int, int]:
        told = sdk.call("channel_info", "presence-room", ["user_count", "subscription_count"])
        return told["user_count"], told["subscription_count"]

    for user, place in (("dies", b), ("dies", b), ("dies", b), ("both", b)):
        Member("pusher", place, user, stack)
    both = Member("pusher", a, "both", stack)
    assert hear(3) == {("channel_occupied", ""), ("member_added", "dies"), ("member_added", "both")}
    assert [counts(sdk) for sdk in sdks] == [(2, 5), (2, 5)]
    b.process.kill()
    assert hear(1) == {("member_removed", "dies")}
    assert counts(sdks[0]) == (1, 1)
    both.client.close()
    assert hear(2) == {("member_removed", "both"), ("channel_vacated", "")}
    assert len(told) == 6
    assert receiver.requests.empty()

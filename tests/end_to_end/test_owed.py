"""What others are owed when a server stops: a stop is never worse than a crash."""

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any, ClassVar

import pytest

from filtered_websocket.filters.shared.signatures import sign
from filtered_websocket.filters.shared.webhooks.queue import ATTEMPTS
from tests.support.channel_servers import running
from tests.support.fws_server import STARTING, FwsServer
from tests.support.http_client import ask
from tests.support.raw_client import DEADLINE
from tests.support.receiver import Receiver, receiving
from tests.support.redis_server import RedisServer, find_server
from tests.support.websocket_client import connect

KEY, SECRET = "k" * 64, "secret"
ROOMS = ("presence-a", "presence-b", "presence-c")
SIX = sorted([("channel_vacated", room, "") for room in ROOMS] + [("member_removed", room, "u") for room in ROOMS])
JOINED = sorted([("channel_occupied", room, "") for room in ROOMS] + [("member_added", room, "u") for room in ROOMS])


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        try:
            yield stack
        finally:
            # Before the servers.
            while Page.opened:
                Page.opened.pop().close()


@pytest.fixture
def receiver(stack: ExitStack) -> Receiver:
    return stack.enter_context(receiving())


@pytest.fixture
def redis(tmp_path: Path, stack: ExitStack) -> dict[str, Any]:
    server = stack.enter_context(RedisServer(tmp_path / "redis"))
    return {"storage": "redis", "redis_url": server.url, "lease_seconds": 2}


LOOKS_OFTEN = """
from filtered_websocket.filters.shared.webhooks import owed

owed.LOOK_SECONDS = owed.GRACE_SECONDS = 0.3
"""
"""What nodes that stopped have left is found soon: a real one looks every five seconds."""


class Cluster:
    """Servers of one pack, whose hooks all go to one receiver. Departures are told after a short while, if not said
    otherwise: every stop waits that long."""

    def __init__(self, folder: Path, stack: ExitStack, receiver: Receiver) -> None:
        self.folder, self.stack, self.receiver = folder, stack, receiver

    def pusher(self, name: str, **options: Any) -> FwsServer:
        app = {"id": "1001", "key": KEY, "secret": SECRET, "client_events": True, "webhooks": [self.receiver.url]}
        common = {"pusher_apps": [app], "pusher_webhook_private": True, "pusher_webhook_delay": 0.2}
        return self._begin(name, "pusher", common | options)

    def pushers(self, *names: str, **options: Any) -> list[FwsServer]:
        """Some that are alike, starting side by side."""
        with ThreadPoolExecutor() as starting:
            return list(starting.map(lambda name: self.pusher(name, **options), names))

    def pushi(self, name: str, **options: Any) -> FwsServer:
        app = {"id": "a", "key": KEY, "secret": SECRET}
        return self._begin(name, "pushi", {"pushi_apps": [app], "pushi_webhook_private": True} | options)

    def _begin(self, name: str, pack: str, options: dict[str, Any]) -> FwsServer:
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        (folder / "looks_often.py").write_text(LOOKS_OFTEN)
        filters = ["looks_often", f"filtered_websocket.filters.{pack}"]
        return self.stack.enter_context(running(folder, filters=filters, **options))

    def told(self, count: int) -> list[tuple[str, str, str]]:
        """So many events that hooks are told next, in the order of their names."""
        told: list[tuple[str, str, str]] = []
        while len(told) < count:
            events = json.loads(self.receiver.next().body)["events"]
            told += [(event["name"], event["channel"], event.get("user_id", "")) for event in events]
        return sorted(told)

    def nothing_more(self) -> None:
        assert self.receiver.requests.empty(), self.receiver.requests.get_nowait()


@pytest.fixture
def cluster(tmp_path: Path, stack: ExitStack, receiver: Receiver) -> Cluster:
    return Cluster(tmp_path, stack, receiver)


class Page:
    """A user's page, in some presence channels."""

    opened: ClassVar[list["Page"]] = []

    def __init__(self, server: FwsServer, user: str, *rooms: str) -> None:
        self.opened.append(self)
        self._end = ExitStack()
        opened = connect(f"ws://127.0.0.1:{server.port}/app/{KEY}?protocol=7", close_timeout=0.1)
        self.client = self._end.enter_context(opened)
        socket_id = json.loads(self.packet()["data"])["socket_id"]
        for room in rooms:
            about = json.dumps({"user_id": user})
            auth = f"{KEY}:{sign(SECRET, f'{socket_id}:{room}:{about}')}"
            data = {"channel": room, "auth": auth, "channel_data": about}
            self.client.send(json.dumps({"event": "pusher:subscribe", "data": data}))
            # What others do meanwhile may be told before: this user's own leave of another node, for one.
            while (event := self.packet()["event"]) != "pusher_internal:subscription_succeeded":
                assert event in ("pusher_internal:member_added", "pusher_internal:member_removed")

    def packet(self) -> Any:
        return json.loads(self.client.recv(DEADLINE))

    def close(self) -> None:
        self._end.close()


def stopped(server: FwsServer, within: float = 10.0) -> None:
    server.signal(signal.SIGTERM)
    assert server.wait(within) == 0


# Web hooks of Pusher, which the end of its clients causes.


@pytest.mark.parametrize("kill", [False, True], ids=["SIGTERM", "SIGKILL"])
def test_the_end_of_one_of_two_nodes_is_told_however_it_ends(
    cluster: Cluster, redis: dict[str, Any], kill: bool
) -> None:
    a, _ = cluster.pushers("a", "b", **redis)
    Page(a, "u", *ROOMS)
    assert cluster.told(6) == JOINED
    if kill:
        a.process.kill()
    else:
        stopped(a)
    assert cluster.told(6) == SIX
    cluster.nothing_more()


@pytest.mark.parametrize("storage", [{}, {"storage": "sqlite", "sqlite_file": "f.sqlite"}], ids=["memory", "sqlite"])
def test_the_end_of_a_single_node_is_told_at_once(cluster: Cluster, storage: dict[str, Any]) -> None:
    # A client that comes back is not waited for: that would be a minute.
    server = cluster.pusher("a", pusher_webhook_delay=60, stop_seconds=60, **storage)
    Page(server, "u", *ROOMS)
    assert cluster.told(6) == JOINED
    stopped(server)
    assert cluster.told(6) == SIX


def test_what_was_delayed_before_the_stop_is_told_too(cluster: Cluster) -> None:
    server = cluster.pusher("a", pusher_webhook_delay=60)
    page = Page(server, "u", *ROOMS)
    assert cluster.told(6) == JOINED
    page.close()
    stopped(server)
    assert cluster.told(6) == SIX
    cluster.nothing_more()


def test_a_stop_without_hooks_waits_for_nobody(cluster: Cluster) -> None:
    apps = [{"id": "1001", "key": KEY, "secret": SECRET}]
    server = cluster.pusher("a", pusher_apps=apps, pusher_webhook_delay=60, stop_seconds=60)
    Page(server, "u", *ROOMS)
    stopped(server)


def test_what_cannot_be_told_in_time_is_told_by_the_other_node(cluster: Cluster, redis: dict[str, Any]) -> None:
    # It is refused more often than is tried while a server runs.
    a, _ = cluster.pushers("a", "b", **redis, pusher_webhook_delay=0, stop_seconds=3.5)
    Page(a, "u", *ROOMS)
    assert cluster.told(6) == JOINED
    cluster.receiver.refuse()
    stopped(a)
    assert cluster.receiver.requests.qsize() > ATTEMPTS
    cluster.receiver.begin_anew()
    assert cluster.told(6) == SIX
    cluster.nothing_more()


def test_what_cannot_be_told_in_time_is_told_by_the_next_start_where_storage_lasts(cluster: Cluster) -> None:
    storage = {"storage": "sqlite", "sqlite_file": "f.sqlite"}
    server = cluster.pusher("a", stop_seconds=0.5, **storage)
    Page(server, "u", *ROOMS)
    assert cluster.told(6) == JOINED
    cluster.receiver.refuse()
    stopped(server)
    assert "6 events of web hooks are left to other nodes, or to the next start" in server.log
    cluster.receiver.begin_anew()
    cluster.pusher("a", **storage)
    assert cluster.told(6) == SIX


def test_what_is_lost_is_counted_and_logged(cluster: Cluster) -> None:
    server = cluster.pusher("a", stop_seconds=0.5)
    Page(server, "u", *ROOMS)
    assert cluster.told(6) == JOINED
    cluster.receiver.refuse()
    stopped(server)
    assert "dropped: web hook: the server stopped (1001)" in server.log
    assert "dropped: web hook: the server stopped, 5 more" in server.log


def test_an_app_with_many_hooks_has_few_posts_under_way(cluster: Cluster, receiver: Receiver) -> None:
    urls = [f"{receiver.url}&{number}" for number in range(300)]
    app = {"id": "1001", "key": KEY, "secret": SECRET, "webhooks": urls}
    server = cluster.pusher("a", pusher_apps=[app])
    receiver.seconds = 0.05
    Page(server, "u", "presence-a")
    assert {receiver.next().path for _ in urls} == {f"/hook?secret=1&{number}" for number in range(300)}
    assert receiver.most <= 10
    # Its end is told to all of them too.
    receiver.seconds = 0


def test_what_waits_to_be_tried_again_is_tried_at_the_stop(cluster: Cluster) -> None:
    server = cluster.pusher("a", pusher_webhook_delay=0, stop_seconds=2)
    cluster.receiver.refuse()
    Page(server, "u", *ROOMS)
    for _ in range(3):
        cluster.receiver.next()
    # The next attempt would be four seconds later, when all is lost.
    cluster.receiver.begin_anew()
    Page.opened[-1].close()
    stopped(server)
    assert cluster.told(12) == sorted(SIX + JOINED)


@pytest.mark.quiet
def test_a_receiver_that_never_answers_holds_the_stop_for_stop_seconds(cluster: Cluster) -> None:
    cluster.receiver.seconds = 30
    server = cluster.pusher("a", stop_seconds=2)
    Page(server, "u", *ROOMS)
    begin = time.monotonic()
    stopped(server)
    assert 2 <= time.monotonic() - begin < 4.5, "2 s, and what a busy machine adds"
    assert "dropped: web hook: the server stopped" in server.log
    cluster.receiver.seconds = 0


@pytest.fixture
def installed_redis(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A redis-server where workers look for one."""
    program = find_server()
    if program is None:
        pytest.skip("no redis-server")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "redis-server").symlink_to(program)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")


@pytest.mark.usefixtures("installed_redis")
def test_workers_leave_nothing_to_a_redis_that_ends_with_them(cluster: Cluster) -> None:
    """Each takes the others for nodes that go on, but with their parent all end, and so does what they share."""
    server = cluster.pusher("a", workers=2, stop_seconds=0.5)
    Page(server, "u", *ROOMS)
    assert cluster.told(6) == JOINED
    cluster.receiver.refuse()
    stopped(server)
    server.wait_for("dropped: web hook: the server stopped, 5 more")
    assert "are left to other nodes" not in server.log


@pytest.mark.usefixtures("installed_redis")
def test_a_worker_that_is_replaced_leaves_what_it_owes_to_the_others(cluster: Cluster) -> None:
    server = cluster.pusher("a", workers=2, stop_seconds=0.5, pusher_webhook_delay=0.1)
    Page(server, "u", *ROOMS)
    assert cluster.told(6) == JOINED
    cluster.receiver.refuse()
    server.signal(signal.SIGUSR2)
    server.wait_for("worker 1 is replaced", STARTING)
    cluster.receiver.begin_anew()
    assert cluster.told(6) == SIX


def test_a_storage_that_is_away_costs_the_stop_a_second_and_what_is_lost_is_counted(
    tmp_path: Path, stack: ExitStack, cluster: Cluster
) -> None:
    redis = stack.enter_context(RedisServer(tmp_path / "redis"))
    server = cluster.pusher("a", storage="redis", redis_url=redis.url, stop_seconds=1, pusher_webhook_delay=0)
    Page(server, "u", *ROOMS)
    assert cluster.told(6) == JOINED
    cluster.receiver.refuse()
    Page.opened[-1].close()
    cluster.receiver.next()
    redis.freeze()
    begin = time.monotonic()
    stopped(server)
    redis.thaw()
    assert time.monotonic() - begin < 12
    assert "dropped: web hook: the server stopped" in server.log


# Leaves, which other clients are owed.


@pytest.mark.parametrize("stalls", [False, True], ids=["at once", "through a storage that stalls"])
def test_clients_of_the_other_node_hear_of_every_leave(
    tmp_path: Path, stack: ExitStack, cluster: Cluster, stalls: bool
) -> None:
    redis = stack.enter_context(RedisServer(tmp_path / "redis"))
    # It stalls for less than three heartbeats: an outage would be another thing, after which leases tell of leaves.
    options = {"storage": "redis", "redis_url": redis.url, "lease_seconds": 20, "redis_heartbeat": 5}
    a, b = cluster.pushers("a", "b", **options)
    watcher = Page(b, "watcher", "presence-a")
    users = {f"u{number}" for number in range(20)}
    for user in users:
        Page(a, user, "presence-a")
    for _ in users:
        assert watcher.packet()["event"] == "pusher_internal:member_added"
    if stalls:
        redis.freeze()
        threading.Timer(2.5, redis.thaw).start()
    stopped(a)
    told = [watcher.packet() for _ in users]
    assert {json.loads(packet["data"])["user_id"] for packet in told} == users
    assert {packet["event"] for packet in told} == {"pusher_internal:member_removed"}
    assert "took longer than the stop" not in a.log


# Events that Pushi has accepted.


def hooked(server: FwsServer, url: str, *channels: str) -> str:
    """Register a hook; the session's token."""
    at = ("127.0.0.1", server.port)
    sid: str = ask(at, "GET", f"/login?app_id=a&app_key={KEY}&app_secret={SECRET}").json["token"]
    for channel in channels:
        assert ask(at, "POST", f"/webs?sid={sid}", {"url": url, "event": channel}).status == 200
    return sid


@pytest.mark.parametrize("shared", [False, True], ids=["alone", "one of two"])
def test_hooks_are_told_of_every_event_that_was_accepted(cluster: Cluster, redis: dict[str, Any], shared: bool) -> None:
    a = cluster.pushi("a", **(redis if shared else {}))
    if shared:
        cluster.pushi("b", **redis)
    sid = hooked(a, cluster.receiver.url, "room")
    cluster.receiver.seconds = 0.2
    for number in range(5):
        posted = ask(("127.0.0.1", a.port), "POST", f"/events?sid={sid}", {"data": str(number), "channel": "room"})
        assert posted.status == 200
    stopped(a)
    assert [json.loads(cluster.receiver.next().body)["data"] for _ in range(5)] == list("01234")
    cluster.nothing_more()

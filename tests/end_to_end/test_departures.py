"""Members that leave and come back, as a page that is reloaded does: hooks hear nothing, other clients at once."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from tests.end_to_end.test_owed import JOINED, ROOMS, SIX, Cluster, Page, stopped
from tests.support.raw_client import wait_until
from tests.support.receiver import receiving
from tests.support.redis_server import RedisServer

DELAY = 2
QUICKLY = {"pusher_webhook_delay": 0.1}
OCCUPIED = [("channel_occupied", "presence-a", ""), ("member_added", "presence-a", "watcher")]


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with ExitStack() as stack:
        yield Cluster(tmp_path, stack, stack.enter_context(receiving()))
        while Page.opened:
            Page.opened.pop().close()


@pytest.fixture
def redis_server(tmp_path: Path, cluster: Cluster) -> RedisServer:
    return cluster.stack.enter_context(RedisServer(tmp_path / "redis"))


@pytest.fixture
def redis(redis_server: RedisServer) -> dict[str, Any]:
    return {"storage": "redis", "redis_url": redis_server.url, "lease_seconds": 2, "pusher_webhook_delay": DELAY}


def until_kept(redis_server: RedisServer, count: int) -> None:
    """Wait until so many departures are kept. A return that overtakes its own departure, writes of two nodes, is told
    to hooks once more."""
    wait_until(lambda: redis_server.ask("HLEN", "fws:m:pusher owed") == b":%d\r\n" % count)


@pytest.mark.parametrize("place", ["the same server", "the same node", "the other node"])
def test_a_page_that_is_reloaded_is_nothing_to_hooks_and_at_once_to_others(
    cluster: Cluster, redis: dict[str, Any], redis_server: RedisServer, place: str
) -> None:
    options = {"pusher_webhook_delay": DELAY} if place == "the same server" else redis
    nodes = cluster.pushers(*("ab" if place == "the other node" else "a"), **options)
    a, b = nodes[0], nodes[-1]
    watcher = Page(a, "watcher", "presence-a")
    assert cluster.told(2) == OCCUPIED
    page = Page(a, "u", *ROOMS)
    added = watcher.packet()
    assert added["event"] == "pusher_internal:member_added"
    assert cluster.told(5) == [each for each in JOINED if each != OCCUPIED[0]]
    begin = time.monotonic()
    page.close()
    assert watcher.packet()["event"] == "pusher_internal:member_removed"
    if b is not a:
        until_kept(redis_server, len(SIX) - 1)
    page = Page(b, "u", *ROOMS)
    assert watcher.packet() == added
    assert time.monotonic() - begin < DELAY, "this machine is too slow for what is tested"
    # Another departure after the delay of the first: had that been told, it would stand before this.
    last = Page(b, "last", "presence-a")
    assert cluster.told(1) == [("member_added", "presence-a", "last")]
    last.close()
    assert cluster.told(1) == [("member_removed", "presence-a", "last")]
    page.close()
    assert cluster.told(5) == [each for each in SIX if each != ("channel_vacated", "presence-a", "")]
    cluster.nothing_more()


def test_a_user_that_comes_back_later_has_left_and_come(cluster: Cluster) -> None:
    server = cluster.pusher("a", pusher_webhook_delay=0.2)
    page = Page(server, "u", *ROOMS)
    assert cluster.told(6) == JOINED
    page.close()
    assert cluster.told(6) == SIX
    Page(server, "u", *ROOMS)
    assert cluster.told(6) == JOINED


def test_without_a_delay_all_is_told_at_once(cluster: Cluster) -> None:
    server = cluster.pusher("a", pusher_webhook_delay=0)
    for _ in range(2):
        page = Page(server, "u", *ROOMS)
        assert cluster.told(6) == JOINED
        page.close()
        assert cluster.told(6) == SIX


def test_clients_that_move_to_the_other_node_when_theirs_stops_are_nothing_to_hooks(
    cluster: Cluster, redis: dict[str, Any], redis_server: RedisServer
) -> None:
    # The node that stops waits for its clients to come back; the one that they move to would tell of each at once.
    a, b = cluster.pusher("a", **redis | {"pusher_webhook_delay": 4}), cluster.pusher("b", **redis | QUICKLY)
    page = Page(a, "u", *ROOMS)
    assert cluster.told(6) == JOINED
    a.signal()
    with pytest.raises(ConnectionClosed):
        page.packet()
    until_kept(redis_server, len(SIX))
    page = Page(b, "u", *ROOMS)
    assert a.wait() == 0
    page.close()
    assert cluster.told(6) == SIX
    cluster.nothing_more()


def test_a_departure_that_a_killed_node_was_to_tell_is_told_by_another(cluster: Cluster, redis: dict[str, Any]) -> None:
    a, _ = cluster.pushers("a", "b", **redis)
    watcher, page = Page(a, "watcher", "presence-a"), Page(a, "u", *ROOMS)
    assert len(cluster.told(7)) == 7
    page.close()
    assert [watcher.packet()["event"] for _ in range(2)][1] == "pusher_internal:member_removed"
    a.process.kill()
    gone = {("member_removed", "presence-a", "u"), ("member_removed", "presence-a", "watcher")}
    assert gone <= set(cluster.told(7))
    cluster.nothing_more()


def test_what_is_delayed_is_no_longer_owed_to_an_app_that_has_gone(cluster: Cluster) -> None:
    storage = {"storage": "sqlite", "sqlite_file": "f.sqlite"}
    server = cluster.pusher("a", stop_seconds=0.2, **storage)
    Page(server, "u", *ROOMS)
    assert cluster.told(6) == JOINED
    cluster.receiver.refuse()
    stopped(server)
    server = cluster.pusher("a", pusher_apps=[{"id": "7", "key": "other", "secret": "other"}], **storage)
    server.wait_for("dropped: web hook: the app or its hook is gone")

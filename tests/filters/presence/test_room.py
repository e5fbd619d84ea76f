"""Whatever happens in whatever order, each client's list is in the end what is so, and no message contradicts others.

Two nodes on storage in memory that they share (tests/simulation): answers and publications are late, in any order
between the nodes; a node is cut off for longer than its lease, or misses what was published; what it asked is done and
not answered. `SEEDS=2000 pytest tests/filters/presence/test_room.py` plays more runs than the suite does.
"""

from contextlib import ExitStack
from random import Random
from typing import Any

import pytest

from filtered_websocket.filters.presence.hearing import COMPARE_SECONDS
from filtered_websocket.testing import Server
from tests.filters.presence.clients import PRESENCE, KitWatcher, Named
from tests.simulation.clock import BEGIN, NodeClock
from tests.simulation.shared_memory import SharedMemory
from tests.simulation.view import LEASE_SECONDS
from tests.support.interleavings import seeds

USERS = ["ann", "bob", "eve", None]
STEPS = 60
BUS = "\0presence presence"


class Nodes:
    """Two servers, their storage, and clients of both."""

    def __init__(self, stack: ExitStack, seed: int) -> None:
        self.random = Random(seed)
        self.clock = NodeClock(BEGIN)
        self.storage = SharedMemory(self.clock.seconds, seed)
        self.views = [self.storage.storage(self.clock) for _ in range(2)]
        self.servers = [
            stack.enter_context(Server(Named, PRESENCE, storage_object=view, reactor=self.clock, ping_interval=0))
            for view in self.views
        ]
        self.watchers: list[KitWatcher] = []
        stack.callback(self.look_for_errors)
        self.settle()

    def settle(self) -> None:
        for server in (*self.servers, *self.servers):
            server.settle()
        for watcher in self.watchers:
            watcher.listen()

    def open(self, node: int, user: str | None) -> KitWatcher:
        self.watchers.append(KitWatcher(self.servers[node], user))
        return self.watchers[-1]

    # Steps.

    def come(self) -> None:
        self.open(self.random.randrange(2), self.random.choice(USERS))

    def go(self) -> None:
        if self.watchers:
            watcher = self.watchers.pop(self.random.randrange(len(self.watchers)))
            watcher.client.abort()

    def wait(self) -> None:
        self.servers[0].advance(self.random.choice((0.01, 0.05, 0.2, 1)))

    def slow(self) -> None:
        self.random.choice(self.views).slow(self.random.choice((0, 0.02, 0.2)))

    def cut(self) -> None:
        self.random.choice(self.views).cut()

    def lose_answer(self) -> None:
        self.random.choice(self.views).lose_answers += 1

    def go_away(self) -> None:
        self.random.choice(self.views).go_away()
        if self.random.random() < 0.3:
            self.servers[0].advance(LEASE_SECONDS * 2)

    def come_back(self) -> None:
        for view in self.views:
            view.come_back()

    def play(self) -> None:
        weights: dict[Any, float] = {
            self.come: 30, self.go: 25, self.wait: 20, self.slow: 5, self.cut: 2, self.lose_answer: 1, self.go_away: 1,
            self.come_back: 3,
        }  # fmt: skip
        for step in self.random.choices(list(weights), list(weights.values()), k=STEPS):
            step()
            self.settle()
        self.come_back()
        for view in self.views:
            view.lose_answers = 0
            view.slow(0)
        self.servers[0].advance(max(LEASE_SECONDS * 2, COMPARE_SECONDS * 3))
        self.settle()

    def look_for_errors(self) -> None:
        for server in self.servers:
            assert set(server.errors) <= {"the storage object is away"}

    def look(self) -> None:
        """Everybody knows what is so."""
        is_open = [each for each in self.watchers if each.client.is_open]
        here = sorted({each.user for each in is_open if each.user is not None})
        anonymous = sum(each.user is None for each in is_open)
        for watcher in is_open:
            assert watcher.users is not None
            assert (sorted(watcher.users), watcher.anonymous) == (here, anonymous)
        assert len(self.storage.presence.get(BUS, {})) == len(here) + anonymous


@pytest.mark.parametrize("share", range(2))
def test_every_list_is_kept_exactly(share: int) -> None:
    for seed in seeds(30, share, 2):
        try:
            with ExitStack() as stack:
                nodes = Nodes(stack, seed)
                nodes.play()
                nodes.look()
        except BaseException as error:
            error.add_note(f"seed {seed}")
            raise


@pytest.fixture
def nodes():
    with ExitStack() as stack:
        yield Nodes(stack, 0)


def test_a_node_that_is_cut_off_for_longer_than_its_lease_has_left_and_is_back(nodes: Nodes) -> None:
    ann, bob = nodes.open(0, "ann"), nodes.open(1, "bob")
    nodes.settle()
    assert (ann.users, bob.news) == (["ann", "bob"], [("here", ["ann", "bob"], 0)])
    nodes.views[0].go_away()
    nodes.servers[1].advance(LEASE_SECONDS * 2)
    nodes.settle()
    assert bob.news == [("left", ["ann"], 0)]
    nodes.views[0].come_back()
    nodes.settle()
    assert bob.news == [("joined", ["ann"], 0)]
    # Its own clients were never told that they had left.
    assert [each["presence"] for each in ann.heard] == ["here", "joined"]


def test_what_was_missed_while_the_bus_was_away_is_told_then(nodes: Nodes) -> None:
    ann, bob = nodes.open(0, "ann"), nodes.open(1, "bob")
    eve = nodes.open(1, "eve")
    nodes.settle()
    nodes.views[0].go_away()
    bob.client.close()
    nodes.watchers.remove(bob)
    nodes.open(1, "dan")
    nodes.settle()
    assert ann.users == ["ann", "bob", "eve"]
    nodes.views[0].come_back()
    nodes.settle()
    assert ann.users == ["ann", "eve", "dan"]
    assert eve.users == ["ann", "eve", "dan"]


def test_a_leave_that_a_dying_node_told_nobody_is_seen_by_the_count(nodes: Nodes) -> None:
    nodes.open(0, "ann")
    bob = nodes.open(1, "bob")
    nodes.settle()
    # As a node that dies between the leave in storage and its publication.
    (holder,) = nodes.storage.presence[BUS]["uann"]
    assert nodes.storage.let_go(BUS, "uann", holder)
    nodes.servers[1].advance(COMPARE_SECONDS * 2 + 1)
    nodes.settle()
    assert bob.users == ["bob"]


def test_the_users_of_a_node_that_stops_leave_and_those_that_have_moved_stay(nodes: Nodes) -> None:
    watcher = nodes.open(1, "watcher")
    nodes.open(0, "ann")
    nodes.open(0, "bob")
    nodes.open(1, "bob")
    nodes.settle()
    assert watcher.users == ["watcher", "ann", "bob"]
    nodes.servers[0].result(nodes.servers[0].server.stop())
    nodes.settle()
    assert [each[:2] for each in watcher.news][-1] == ("left", ["ann"])
    assert watcher.users == ["watcher", "bob"]


def test_a_client_that_comes_while_nobody_can_be_asked_is_told_to_come_back(nodes: Nodes) -> None:
    nodes.views[0].go_away()
    assert nodes.open(0, "ann").client.close_code == 1013


def test_a_list_waits_until_it_is_known_who_is_here(nodes: Nodes) -> None:
    bob = nodes.open(1, "bob")
    nodes.views[0].slow(1)
    ann = nodes.open(0, "ann")
    assert ann.heard == []
    nodes.servers[0].advance(10)
    nodes.settle()
    assert ann.users is not None
    assert sorted(ann.users) == ["ann", "bob"]
    assert bob.users == ["bob", "ann"]

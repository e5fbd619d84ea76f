"""Clients that come, lose their connections in every way, and come back to either of two nodes, while events go out.

Against a model: in each session a client gets what was emitted to its rooms, once and in order; and here,
where nothing is trimmed and no node dies, each session goes on.
"""

import os
import random
from contextlib import ExitStack

import pytest

from filtered_websocket.filters.ws_emit import emit
from tests.filters.socketio.recovery.pages import Page
from tests.filters.socketio.recovery.servers import Nodes

SEEDS = int(os.environ.get("SEEDS", "60"))
STEPS = 60


class Tab:
    """A client, and what it is to get."""

    def __init__(self, nodes: Nodes, node: int, query: str) -> None:
        self._nodes = nodes
        self.page = Page(nodes.servers[node], query)
        self.rooms = {"all"}
        self.wanted: list[int] = []
        self.got: list[int] = []
        self.is_there = True
        self.is_over = False

    def sync(self) -> None:
        if self.is_there:
            self.got += [event[1] for event in self.page.taken()]

    def lose(self, silently: bool) -> None:
        self.sync()
        self.is_there = False
        if not silently:
            self.page.client.abort()

    def back(self, node: int) -> None:
        before = self.page.sid
        self.page.connect(self._nodes.servers[node])
        self._nodes.settle()
        self.is_there = True
        self.sync()
        if self.is_over:
            assert not self.page.recovered
            self.rooms, self.wanted, self.got, self.is_over = {"all"}, [], [], False
        else:
            assert self.page.recovered, self._nodes.servers[node].server.counters.totals
            assert self.page.sid == before

    def check(self) -> None:
        if self.is_there:
            assert self.got == self.wanted


def run(seed: int) -> None:
    chance = random.Random(seed)
    with ExitStack() as stack:
        nodes = Nodes(stack)
        nodes.begin()
        nodes.begin()
        nodes.settle(1)
        tabs = [Tab(nodes, number % 2, "") for number in range(3)]
        numbers = iter(range(10**6))

        def goes_out(room: str, skip: Tab | None = None) -> int:
            number = next(numbers)
            for tab in tabs:
                if room in tab.rooms and tab is not skip and not tab.is_over:
                    tab.wanted.append(number)
            return number

        for _ in range(STEPS):
            tab, room, node = chance.choice(tabs), chance.choice("ab"), chance.randrange(2)
            what = chance.random()
            if what < 0.35:
                number = goes_out(room)
                emit(nodes.servers[node].pipeline(), "n", number, room=room)
            elif what < 0.42:
                number = goes_out("all", tab)
                emit(nodes.servers[node].pipeline(), "n", number, skip=tab.page.sid)
            elif what < 0.52:
                nodes.say(method="emit", event="n", data=goes_out(room), room=room)
            elif what < 0.62 and tab.is_there:
                tab.page.join(room)
                nodes.settle()
                tab.rooms.add(room)
            elif what < 0.67 and tab.is_there:
                tab.page.say("leave", {"room": room})
                nodes.settle()
                tab.rooms.discard(room)
            elif what < 0.70:
                nodes.say(method="close_room", room=room)
                for each in tabs:
                    each.rooms.discard(room)
            elif what < 0.74:
                nodes.say(method="enter_room", sid=tab.page.sid, room=room)
                tab.rooms |= set() if tab.is_over else {room}
            elif what < 0.75:
                nodes.say(method="disconnect", sid=tab.page.sid)
                tab.is_over = True
                if tab.is_there:
                    nodes.settle(0.5)
                    tab.lose(silently=False)
            elif what < 0.86 and tab.is_there:
                tab.lose(silently=chance.random() < 0.4)
            elif what < 0.96 and not tab.is_there:
                nodes.settle(chance.choice((0, 0, 0.5)))
                tab.back(node)
            else:
                nodes.settle(chance.choice((0, 0.5, 3)))
            if chance.random() < 0.5:
                # What programs say has a way of its own: it is done before anything else is.
                nodes.settle(0.5)
            else:
                nodes.settle()
            for each in tabs:
                each.sync()
        nodes.settle(1)
        for tab in tabs:
            tab.sync()
            if not tab.is_there:
                tab.back(chance.randrange(2))
            tab.check()


@pytest.mark.parametrize("seed", range(SEEDS))
def test_each_session_gets_everything_once_and_in_order(seed: int) -> None:
    run(seed)

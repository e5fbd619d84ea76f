"""A world: nodes, their storage, clients and an oracle, in which a schedule's steps happen one by one."""

import json
from typing import Any

from twisted.logger import LogEvent, LogLevel, formatEvent, globalLogPublisher
from twisted.python.failure import Failure

from filtered_websocket.filters.centrifugo.envelope import unpack
from tests.simulation.channels import CHANNELS, HISTORY, TTL, keeps, shows
from tests.simulation.client import Client
from tests.simulation.clock import BEGIN, NodeClock
from tests.simulation.node import CHANNEL_LIMIT, MAX_CONNECTIONS, Node
from tests.simulation.oracle import Oracle

CLIENTS = 8
NODES = 3
TURNS = 200
REST_SECONDS = 45.0
"""In which leases have ended, silent clients are found out, and whatever waits has come."""

TOO_LONG = "(filter_timeout)"
ASKING_SECONDS = 10.0
"""That storage may take to say all that it is asked at rest."""


class World:
    """
    :param storage: makes what the nodes share, given the world's time
    :ivar slots: the nodes by number; None where there is none now
    """

    def __init__(self, storage: Any) -> None:
        self.now = BEGIN
        self.storage = storage(lambda: self.now)
        self.oracle = Oracle()
        for name in CHANNELS:
            self.oracle.channel(name, keeps(name))
        self.clients = [Client(f"client {number}", self.oracle, lambda: self.now) for number in range(CLIENTS)]
        self.slots: list[Node | None] = [None] * NODES
        self._names = 0
        self._killed: list[Node] = []
        self._ticks: list[tuple[float, int]] = []

    def __enter__(self) -> "World":
        observer: Any = self._logged
        globalLogPublisher.addObserver(observer)
        self.start(0)
        self.settle()
        return self

    def __exit__(self, *_: object) -> None:
        observer: Any = self._logged
        globalLogPublisher.removeObserver(observer)
        for node in self.nodes:
            node.end()
        for node in [*self._killed, *self.nodes]:
            self._bury(node)

    def _bury(self, node: Node) -> None:
        """Let what still waits in a node come to an end, which nobody sees: its process would just be gone."""
        node.storage.go_away()
        node.storage.slow(0)
        node.storage.come_back()
        node.stopping = None
        node.open()
        node.drain()
        node.server.advance(REST_SECONDS)
        node.end()

    @property
    def nodes(self) -> list[Node]:
        return [each for each in self.slots if each is not None]

    @property
    def awake(self) -> list[Node]:
        return [each for each in self.nodes if not each.frozen]

    def _logged(self, event: LogEvent) -> None:
        if event.get("log_level", LogLevel.debug) >= LogLevel.error and ("trace" in event or "log_failure" in event):
            failure = event.get("log_failure")
            trace = failure.getTraceback() if failure is not None else event.get("trace", "")
            if TOO_LONG in trace:
                return  # the client is closed with 1011: storage was away for longer than a filter may wait
            self.oracle.fault(f"the log: {formatEvent(event)}\n{trace}")

    # Time.

    def settle(self) -> None:
        """Let everything happen that can happen without time passing."""
        for node in self.awake:
            node.server.settle()
        self._follow()

    def _follow(self) -> None:
        """Let happen what nodes have made others do."""
        for _ in range(TURNS):
            wanted = [node for node in self.awake if node.clock.wanted]
            if not wanted:
                return
            for node in wanted:
                node.server.settle()
        self.oracle.fault(f"no rest after {TURNS} rounds")

    def advance(self, seconds: float) -> None:
        end = self.now + seconds
        while True:
            due = [(at, node) for node in self.awake if (at := node.clock.next_due) is not None and at <= end]
            if not due:
                break
            now = max(self.now, min(at for at, _ in due))
            self._set(now)
            for at, node in due:
                if at <= now:
                    node.server.settle()
            self._follow()
            self._look()
        self._set(end)
        self.settle()

    def jump(self, seconds: float) -> None:
        """Time passes, and nobody had any of it: the machine was suspended."""
        self._set(self.now + seconds)
        self.settle()

    def _set(self, now: float) -> None:
        self.now = now
        for node in self.awake:
            node.clock.rightNow = now

    def _look(self) -> None:
        """See what has become of nodes, and what they have counted."""
        for number, node in enumerate(self.slots):
            if node is not None:
                self.oracle.counted(node.name, node.losses)
                if not node.storage.ready:
                    self.oracle.disturb()
                if node.stopped:
                    self._has_stopped(node)
                    self.slots[number] = None

    # Nodes.

    def start(self, number: int) -> None:
        if self.slots[number] is None:
            self._names += 1
            clock = NodeClock(self.now)
            node = self.slots[number] = Node(f"node {number}.{self._names}", self.storage.storage(clock), clock)
            node.start()

    def _has_stopped(self, node: Node) -> None:
        for each in node.failures:
            self.oracle.fault(f"{node.name}: {each}")
        self.oracle.nothing_left(f"{node.name}, which has stopped", {
            **node.left, "timers": [str(call.func) for call in node.clock.getDelayedCalls()],
        })  # fmt: skip
        self._gone(node)

    def kill(self, node: Node) -> None:
        self.slots[self.slots.index(node)] = None
        self.storage.forget(node.storage)
        self._killed.append(node)
        self._gone(node)

    def _gone(self, node: Node) -> None:
        node.end()
        for client in self.clients:
            if client.node is node and client.wire is not None:
                client.wire.receive_end()

    # Steps.

    def step(self, verb: str, *arguments: Any) -> None:
        self._ticks.append((self.now, self.oracle.tick()))
        getattr(self, f"do_{verb}")(*arguments)
        self.settle()
        self._look()
        self.check()

    def do_connect(self, client: int, node: int) -> None:
        where, who = self.slots[node], self.clients[client]
        if where is not None and where.serves and who.wire is None:
            who.connect(where)

    def do_subscribe(self, client: int, channel: str) -> None:
        who = self.clients[client]
        if who.ready and not who.wants(channel):
            who.subscribe(channel)

    def do_unsubscribe(self, client: int, channel: str) -> None:
        who = self.clients[client]
        if who.ready and channel in who.witness.stays:
            who.unsubscribe(channel)

    def do_publish(self, client: int, channel: str, size: int) -> None:
        if self.clients[client].ready:
            self.clients[client].publish(channel, size)

    def do_stall(self, client: int) -> None:
        self.clients[client].stall()

    def do_read(self, client: int) -> None:
        self.clients[client].read_on()

    def do_silence(self, client: int) -> None:
        """It is there no more, and nobody tells."""
        self.clients[client].silent = True
        self.clients[client].stall()

    def do_close(self, client: int) -> None:
        self.clients[client].close()

    def do_abort(self, client: int) -> None:
        self.clients[client].abort()

    def do_start(self, node: int) -> None:
        self.start(node)

    def do_drain(self, node: int) -> None:
        where = self.slots[node]
        if where is not None and where.started:
            where.drain()

    def do_kill(self, node: int) -> None:
        where = self.slots[node]
        if where is not None:
            self.oracle.disturb()
            self.kill(where)

    def do_freeze(self, node: int) -> None:
        where = self.slots[node]
        if where is not None and len(self.awake) > 1:
            where.frozen = True

    def do_thaw(self, node: int) -> None:
        where = self.slots[node]
        if where is not None and where.frozen:
            self.oracle.disturb()  # only now it makes good what it was cut off from meanwhile
            where.frozen = False
            where.clock.rightNow = self.now

    def do_wait(self, tenths: int) -> None:
        self.advance(tenths / 10)

    def do_jump(self, tenths: int) -> None:
        self.jump(tenths / 10)

    def do_away(self, node: int) -> None:
        self._to_storage(node, "go_away")

    def do_back(self, node: int) -> None:
        self._to_storage(node, "come_back")

    def do_cut(self, node: int) -> None:
        self._to_storage(node, "cut")

    def do_lose(self, node: int) -> None:
        where = self.slots[node]
        if where is not None:
            self.oracle.disturb()
            where.storage.lose_answers += 1

    def do_slow(self, node: int, hundredths: int) -> None:
        where = self.slots[node]
        if where is not None:
            where.storage.slow(hundredths / 100)

    # What goes wrong with Redis alone.

    def do_cut_ear(self, node: int) -> None:
        self._to_storage(node, "cut_subscriber")

    def do_fail_over(self, lost: int) -> None:
        """Another Redis takes its place, which lacks so many of the last writes."""
        self.oracle.disturb()
        for name, position in self.storage.fail_over(lost):
            channel = self.oracle.channel(name)
            found = channel.epochs.get(position.epoch, {}).get(position.offset)
            # One that nobody has heard yet may be any of the channel's.
            self.oracle.lost(channel.publications if found is None else [found])

    def do_set_clock(self, seconds: int) -> None:
        """Redis's clock jumps, by a minute less than this."""
        forward = seconds - 60
        self.storage.model.set_clock(forward)
        if forward > 0:
            for channel in self.oracle.channels.values():  # its history has ended
                self.oracle.lost(channel.publications)

    def do_freeze_storage(self) -> None:
        self.oracle.disturb()
        self.storage.model.freeze()

    def do_thaw_storage(self) -> None:
        self.storage.model.thaw()

    def do_forget(self) -> None:
        """The storage begins anew."""
        self.oracle.disturb()
        for channel in self.oracle.channels.values():
            self.oracle.lost(channel.publications)
        self.storage.begin_anew()

    def _to_storage(self, node: int, what: str) -> None:
        where = self.slots[node]
        if where is not None:
            self.oracle.disturb()
            getattr(where.storage, what)()

    def do_rest(self) -> None:
        """All goes well for a while, and everything that can come has come."""
        for number, node in enumerate(self.slots):
            if node is not None:
                self.do_thaw(number)
                node.storage.slow(0)
                node.storage.lose_answers = 0
                if not node.storage.ready:
                    self.oracle.disturb()
                node.storage.come_back()  # one that was frozen may not know that it is away
        self.storage.be_well()
        for client in self.clients:
            if not client.silent:
                client.read_on()
        self.settle()
        self.advance(REST_SECONDS)
        if not self.nodes:
            self.start(0)
            self.advance(5)
        self.rest()

    # Checks.

    def check(self) -> None:
        """What holds after each step."""
        self.oracle.judge()
        for node in self.nodes:
            self.oracle.within(f"max_connections of {node.name}", len(node.server.server.connections), MAX_CONNECTIONS)
        for client in self.clients:
            self.oracle.within(f"channels of {client.name}", len(client.witness.stays), CHANNEL_LIMIT)

    def rest(self) -> None:
        asked = self.awake[0]
        still_kept = self.now - TTL + ASKING_SECONDS
        young = next((tick for when, tick in self._ticks if when > still_kept), self.oracle.tick())
        listed = {}
        for name in CHANNELS:
            if shows(name):
                listed[name] = set(self._result(asked, asked.storage.members, name))
            if keeps(name):
                kept = self._result(asked, asked.storage.latest, name, 0, HISTORY + 1)
                self.oracle.history(name, [(number_of(each), each.position) for each in reversed(kept)], HISTORY, young)
        self.oracle.rest(listed)
        for node in self.nodes:
            here = {client.id for client in self.clients if client.node is node and client.ready}
            self._check_left(node, here)

    def _check_left(self, node: Node, here: set[str]) -> None:
        pipeline = node.server.pipeline()
        self.oracle.nothing_left(f"clients that have gone from {node.name}", {
            "sessions": set(pipeline.centrifugo.clients) - here,
            "users": set(pipeline.users) - here,
            "subscribers": {
                (name, each.id) for name, channel in pipeline.hub.channels.items()
                for each in channel.subscribers.values() if each.id not in here
            },
            "connections": [each for each in node.server.server.connections if each.id not in here],
        })  # fmt: skip

    def _result(self, node: Node, verb: Any, *arguments: Any) -> Any:
        outcome: list[Any] = []
        node.clock.callFromThread(lambda: verb(*arguments).addBoth(outcome.append))
        self.advance(1)
        if isinstance(outcome[0], Failure):
            self.oracle.fault(f"{node.name} cannot ask its storage: {outcome[0].getErrorMessage()}")
            return ()
        return outcome[0]

    def end(self) -> None:
        """Everybody goes: nothing is left."""
        self.do_rest()
        for client in self.clients:
            client.close()
        self.settle()
        self.advance(10)
        for node in self.nodes:
            self.oracle.nothing_left(f"all clients of {node.name}", node.left)
            node.drain()
        self.settle()
        self._look()
        self.advance(10)
        for node in self.nodes:
            self.oracle.fault(f"{node.name} has not stopped")


def number_of(publication: Any) -> int:
    """The number in what the pack has published."""
    return int(json.loads(unpack(publication.messages[0]).data)[0])

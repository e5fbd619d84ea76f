"""A world: nodes, their storage, clients and an oracle, and the time that passes there."""

from typing import Any, Self

from twisted.logger import LogEvent, LogLevel, formatEvent, globalLogPublisher

from tests.simulation.channels import CHANNELS, keeps
from tests.simulation.client import Client
from tests.simulation.clock import BEGIN, NodeClock
from tests.simulation.node import Node
from tests.simulation.oracle import Oracle

CLIENTS = 8
TURNS = 200
REST_SECONDS = 45.0
"""In which leases have ended, silent clients are found out, and whatever waits has come."""
TOO_LONG = "(filter_timeout)"


class World:
    """
    :param storage: makes what the nodes share, given the world's time
    :ivar stood_still: when a node, or all, had last not had the time that passed
    :ivar slots: the nodes by number; None where there is none now
    """

    def __init__(self, storage: Any) -> None:
        self.now = BEGIN
        #: when each step was, and the oracle's tick
        self.ticks: list[tuple[float, int]] = []
        self.storage = storage(lambda: self.now)
        self.oracle = Oracle(self.storage.one_order)
        for name in CHANNELS:
            self.oracle.channel(name, keeps(name))
        self.clients = [Client(f"client {number}", self.oracle, lambda: self.now) for number in range(CLIENTS)]
        self.slots: list[Node | None] = [None] * self.storage.nodes
        self.stood_still = 0.0
        self._names = 0
        self._killed: list[Node] = []

    def __enter__(self) -> Self:
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
        self.storage.end()

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
            if TOO_LONG in trace and self.stood_still == self.now:
                return  # the filter, or what it waited for, had none of that time
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
            self.set_time(now)
            for at, node in due:
                if at <= now:
                    node.server.settle()
            self._follow()
            self.look()
        self.set_time(end)
        self.settle()

    def jump(self, seconds: float) -> None:
        """Time passes, and nobody had any of it: the machine was suspended."""
        self.set_time(self.now + seconds)
        self.stood_still = self.now
        self.settle()

    def set_time(self, now: float) -> None:
        self.now = now
        for node in self.awake:
            node.clock.rightNow = now

    def look(self) -> None:
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

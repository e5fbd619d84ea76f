"""Runs that a seed chooses: publications, clients that come and go, and what storage does meanwhile, in any order.

`Run` is one; a test says what a client is and how one publishes. `SEEDS=5000 pytest FILE` plays more of them than the
suite does.
"""

import os
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from random import Random
from typing import Any, ClassVar, Protocol

from twisted.internet.defer import Deferred

from filtered_websocket.filters.base import WebSocketConsumerFilter
from filtered_websocket.storage_objects.base import Pool
from filtered_websocket.testing.server import Server
from tests.support.coming_back import Truth

Weighted = tuple[Callable[[], object], float]


class Node(Protocol):
    """A storage object of one server, whose answers, and what it hears, wait until a run lets them go.

    :ivar asked: what is still to be answered
    :ivar arriving: what is on its way to this node, in order
    """

    @property
    def asked(self) -> Any: ...
    @property
    def arriving(self) -> Any: ...
    def answer(self, number: int, fails: bool = False) -> None: ...
    def hear(self) -> None: ...


class Storage(Protocol):
    """What the nodes of a run have in common."""

    nodes: list[Any]

    def steps(self, run: "Run") -> list[Weighted]:
        """What only this storage may do."""

    def settle(self) -> None:
        """Wait until all that was subscribed to is on its way to the node."""

    def sent(self, run: "Run", send: Callable[[], Any]) -> None:
        """Publish the next number by ``send``, and let the truth know where it stands."""

    def close(self) -> None:
        """The run is over."""


class Slow(WebSocketConsumerFilter):
    """A consumer filter that does what its run says."""

    run: ClassVar[Any] = None

    @classmethod
    def filter(cls, web_socket_instance: Any, data: Any) -> Any:
        return cls.run.consume(data)


class Run(ABC):
    """One run.

    :cvar STEPS: how many
    :ivar waiting: publications that a slow consumer filter holds
    """

    STEPS = 100

    def __init__(self, random: Random, storage: Storage) -> None:
        self.random, self.storage = random, storage
        self.truth = Truth()
        self.waiting: list[Deferred[Any]] = []
        Slow.run = self
        self.nodes = storage.nodes
        self.servers: list[Server] = []
        self._open = ExitStack()

    # What a test gives.

    @property
    @abstractmethod
    def clients(self) -> Iterable[Any]:
        """With `told`: what they were told, in words."""

    @abstractmethod
    def server(self, node: Any) -> Server:
        """One of this run's, with `Slow` in its chain."""

    @abstractmethod
    def own_steps(self) -> list[Weighted]: ...

    @abstractmethod
    def send(self) -> Any:
        """Publish the number `truth.published` by any of the servers; what its storage answers."""

    @abstractmethod
    def look(self) -> None:
        """Settle the servers, and hear what the clients got."""

    @abstractmethod
    def end(self) -> None:
        """All goes well from now on: everybody is where the channel is."""

    @property
    def pool(self) -> Pool:
        """That of the channel's history."""
        return self.servers[0].pipeline().keep(1, 0).pool

    def consume(self, publication: Any) -> Any:
        """What the consumer filter does with a publication."""
        return None

    # The run.

    def play(self) -> None:
        with self._open:
            self.servers = [self._open.enter_context(self.server(node)) for node in self.nodes]
            steps: list[Weighted] = [
                (self.hear, 30),
                (self.answer, 30),
                (self.go_on, 15),
                (self.wait, 2),
                (self.fail, 1),
            ]
            steps += self.own_steps() + self.storage.steps(self)
            verbs, weights = zip(*steps, strict=True)
            for verb in self.random.choices(verbs, weights, k=self.STEPS):
                verb()
                self._look()
            self.end()
            self._look()

    def _look(self) -> None:
        self.look()
        assert not self.truth.faults, self.truth.faults[0]

    def settle(self) -> None:
        for server in self.servers:
            server.settle()

    def restart(self, node: Any) -> None:
        """The only server is another one now, with a node of its own; its clients are cut off."""
        self._open.close()
        self.servers = [self._open.enter_context(self.server(node))]

    def all_is_done(self) -> None:
        """Whatever waits goes on."""
        for _ in range(20):
            self.storage.settle()
            for node in self.nodes:
                while node.asked:
                    node.answer(0)
                while node.arriving:
                    node.hear()
            self.go_on()
            self._look()

    # Steps.

    def publish(self) -> None:
        self.truth.published += 1
        self.storage.sent(self, self.send)

    def hear(self) -> None:
        node = self.random.choice(self.nodes)
        for _ in range(self.random.randint(1, 4)):
            if node.arriving:
                node.hear()

    def answer(self) -> None:
        node = self.random.choice(self.nodes)
        if node.asked:
            node.answer(self.random.randrange(len(node.asked)))

    def fail(self) -> None:
        node = self.random.choice(self.nodes)
        if node.asked:
            node.answer(0, fails=True)

    def hold(self) -> Deferred[None]:
        """What fires when the run goes on."""
        waits: Deferred[None] = Deferred()
        self.waiting.append(waits)
        return waits

    def go_on(self) -> None:
        waiting, self.waiting = self.waiting, []
        for each in waiting:
            each.callback(None)

    def wait(self) -> None:
        self.advance(self.random.choice((0.5, 2, 6)))

    def advance(self, seconds: float) -> None:
        for server in self.servers:
            server.advance(seconds)


def seeds(few: int, share: int, shares: int) -> range:
    """One share of the seeds: ``SEEDS`` of the environment, else a few."""
    count = int(os.environ.get("SEEDS", few))
    return range(share * count // shares, (share + 1) * count // shares)


def play(numbers: range, begin: Callable[[int], Run]) -> Counter[str]:
    """Play a run for each seed; all that the clients were told."""
    told: Counter[str] = Counter()
    for seed in numbers:
        run = begin(seed)
        try:
            run.play()
        except BaseException as error:
            error.add_note(f"seed {seed}: {[client.told for client in run.clients]}")
            raise
        finally:
            run.storage.close()
        for client in run.clients:
            told.update(client.told)
    return told

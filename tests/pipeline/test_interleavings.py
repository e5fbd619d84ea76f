"""Whatever happens in whatever order: nobody is told that nothing is missing when something is, nothing comes twice.

Thousands of runs, each by its seed: two nodes, clients that come and go between them, a storage whose answers are late
or fail, that trims, fails over with writes lost, begins anew, and whose nodes miss what is published.
`INTERLEAVINGS=20000 pytest tests/pipeline/test_interleavings.py` for more of them.
"""

import os
from collections import Counter
from random import Random
from typing import Any, ClassVar

import pytest
from twisted.internet.defer import Deferred

from filtered_websocket.errors import StopChain
from filtered_websocket.filters.base import WebSocketConsumerFilter
from filtered_websocket.testing.server import Server
from tests.support.coming_back import Client, Truth, numbered
from tests.support.unsteady import Log, Node

RUNS = int(os.environ.get("INTERLEAVINGS", "1000"))
SHARES = 10
STEPS = 120


class Chain(WebSocketConsumerFilter):
    """Sometimes slow, sometimes drops."""

    run: ClassVar[Any] = None

    @classmethod
    def filter(cls, web_socket_instance, data):
        return cls.run.consume(data)


class Run:
    """One run."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.truth, self.log = Truth(), Log("x")
        self.truth.note(self.log.position, 0)
        self.waiting: list[Deferred[Any]] = []
        random = self.random
        self.slow, self.dropping = random.random() < 0.4, random.random() < 0.3
        options = {
            "recovery_publications": random.choice((4, 20, 100)),
            "recovery_bytes": random.choice((4096, 1 << 20, 1 << 20)),
            "recovery_tails": random.choice((0, 1024, 4096, 1 << 20)),
        }
        Chain.run = self
        self.nodes = [Node(self.log) for _ in range(2)]
        channels = {"x": {"history": 1000}}
        self.servers = [Server(Chain, storage_object=node, channels=channels, **options) for node in self.nodes]
        self.clients = [Client(f"client {number}", self.truth) for number in range(5)]
        self.steps = [
            (self.publish, 15), (self.hear, 30), (self.answer, 30), (self.come, 30), (self.go, 20), (self.go_on, 15),
            (self.trim, 2), (self.fail_over, 1), (self.wipe, 0.3), (self.lose, 2), (self.wait, 3), (self.fail, 1),
        ]  # fmt: skip

    def consume(self, publication: Any) -> Any:
        number = int(publication.payload)
        if self.dropping and self.random.random() < 0.2:
            self.truth.dropped.add(number)
            raise StopChain
        if not self.slow or self.random.random() < 0.6:
            return numbered(publication)
        waits: Deferred[Any] = Deferred()
        self.waiting.append(waits)

        def drops(failure: Any) -> Any:
            self.truth.dropped.add(number)
            return failure

        return waits.addCallbacks(lambda _: numbered(publication), drops)

    def play(self) -> None:
        steps, weights = zip(*self.steps, strict=True)
        for step in self.random.choices(steps, weights, k=STEPS):
            step()
            self.settle()
            assert not self.truth.faults, self.truth.faults[0]
        self.end()
        assert not self.truth.faults, self.truth.faults[0]

    def settle(self) -> None:
        for server in self.servers:
            server.settle()

    # Steps.

    def publish(self) -> None:
        for _ in range(self.random.randint(1, 2)):
            self.truth.published += 1
            epoch = self.log.epoch
            node = self.random.randrange(2)
            sent = self.servers[node].pipeline().publish("x", str(self.truth.published))
            if self.log.epoch != epoch:
                self.truth.carry_over(epoch, self.log.epoch, self.log.bridges[epoch][1])
            self.truth.note(sent.result, self.truth.published)

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

    def come(self) -> None:
        client = self.random.choice(self.clients)
        if client.pipeline is None:
            if self.random.random() < 0.1:
                client.position = client.at = None
                client.highest = 0
            client.come(self.random.choice(self.servers).pipeline(), self.random.choice((None, None, 0, 3)))

    def go(self) -> None:
        self.random.choice(self.clients).go()

    def go_on(self) -> None:
        waiting, self.waiting = self.waiting, []
        for each in waiting:
            each.callback(None)

    def trim(self) -> None:
        self.log.trim(self.random.randint(1, 6))

    def fail_over(self) -> None:
        self.truth.lost.update(int(each) for each in self.log.fail_over(self.random.randint(0, 3)))

    def wipe(self) -> None:
        self.log.wipe()
        self.truth.note(self.log.position, self.truth.published)

    def lose(self) -> None:
        self.random.choice(self.nodes).lose()

    def wait(self) -> None:
        seconds = self.random.choice((0.5, 2, 6))
        for server in self.servers:
            server.advance(seconds)

    def end(self) -> None:
        """All goes well from now on: everybody is where the channel is, and was told what it has missed."""
        for client in self.clients:
            if client.pipeline is None:
                client.come(self.servers[0].pipeline())
        for _ in range(4):
            self.publish()
            for _ in range(20):
                for node in self.nodes:
                    while node.asked:
                        node.answer(0)
                    while node.arriving:
                        node.hear()
                self.go_on()
                self.settle()
            for server in self.servers:
                server.advance(6)
        for client in self.clients:
            assert client.is_in or client.told[-1] == "insufficient", client.told
            if client.is_in:
                assert client.at is not None
                assert not self.truth.missing(client.at, self.truth.published + 1), (client.at, self.truth.published)
            client.go()
        self.settle()
        for server in self.servers:
            hub = server.pipeline().hub
            assert hub.channels == hub.recovering == {}
            assert (len(hub.tails), hub.tails._bytes, len(hub.tails._order)) == (0, 0, 0)


@pytest.mark.parametrize("share", range(SHARES))
def test_never_a_lie_and_never_a_double(share):
    told: Counter[str] = Counter()
    for seed in range(share * RUNS // SHARES, (share + 1) * RUNS // SHARES):
        run = Run(seed)
        with run.servers[0], run.servers[1]:
            try:
                run.play()
            except BaseException as error:
                error.add_note(f"seed {seed}")
                raise
        for client in run.clients:
            told.update(client.told)
    assert told["recovered"] > 2 * RUNS / SHARES
    assert {"recovered", "failed", "", "trimmed", "too many", "epoch", "gap", "storage away", "insufficient"} == set(
        told
    ), told

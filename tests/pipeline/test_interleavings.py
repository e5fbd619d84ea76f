"""Whatever happens in whatever order: nobody is told that nothing is missing when something is, nothing comes twice.

Thousands of runs, each by its seed: two nodes, clients that come and go between them, a storage whose answers are late
or fail, that trims, fails over with writes lost, begins anew, and whose nodes miss what is published.
`SEEDS=20000 pytest tests/pipeline/test_interleavings.py` for more of them.
"""

from random import Random
from typing import Any

import pytest

from filtered_websocket.errors import StopChain
from filtered_websocket.testing.server import Server
from tests.support.coming_back import Client, numbered
from tests.support.interleavings import Run, Slow, Weighted, play, seeds
from tests.support.unsteady import Unsteady

SHARES = 3


class Comings(Run):
    STEPS = 120

    def __init__(self, seed: int) -> None:
        random = Random(seed)
        super().__init__(random, Unsteady(2, int))
        self.slow, self.dropping = random.random() < 0.4, random.random() < 0.3
        self._options = {
            "recovery_publications": random.choice((4, 20, 100)),
            "recovery_bytes": random.choice((4096, 1 << 20, 1 << 20)),
            "recovery_tails": random.choice((0, 1024, 4096, 1 << 20)),
        }
        self._clients = [Client(f"client {number}", self.truth) for number in range(5)]

    @property
    def clients(self) -> list[Client]:
        return self._clients

    def server(self, node: Any) -> Server:
        return Server(Slow, storage_object=node, channels={"x": {"history": 1000}}, **self._options)

    def own_steps(self) -> list[Weighted]:
        return [(self.publish_some, 15), (self.come, 30), (self.go, 20)]

    def send(self) -> Any:
        return self.random.choice(self.servers).pipeline().publish("x", str(self.truth.published))

    def look(self) -> None:
        self.settle()

    def consume(self, publication: Any) -> Any:
        """Sometimes slow, sometimes drops."""
        number = int(publication.payload)
        if self.dropping and self.random.random() < 0.2:
            self.truth.dropped.add(number)
            raise StopChain
        if not self.slow or self.random.random() < 0.6:
            return numbered(publication)

        def drops(failure: Any) -> Any:
            self.truth.dropped.add(number)
            return failure

        return self.hold().addCallbacks(lambda _: numbered(publication), drops)

    def publish_some(self) -> None:
        for _ in range(self.random.randint(1, 2)):
            self.publish()

    def come(self) -> None:
        client = self.random.choice(self.clients)
        if client.pipeline is None:
            if self.random.random() < 0.1:
                client.position = client.at = None
                client.highest = 0
            client.come(self.random.choice(self.servers).pipeline(), self.random.choice((None, None, 0, 3)))

    def go(self) -> None:
        self.random.choice(self.clients).go()

    def end(self) -> None:
        for client in self.clients:
            if client.pipeline is None:
                client.come(self.servers[0].pipeline())
        for _ in range(4):
            self.publish_some()
            self.all_is_done()
            self.advance(6)
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
    numbers = seeds(300, share, SHARES)
    told = play(numbers, Comings)
    assert told["recovered"] > 2 * len(numbers)
    assert {"recovered", "failed", "", "trimmed", "too many", "epoch", "gap", "storage away", "insufficient"} == set(
        told
    ), told

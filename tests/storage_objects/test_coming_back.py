"""Clients that come back, on every storage object as it is: nobody is told a lie, nothing comes twice or out of order.

The servers are real, on the real reactor, each with a node of the storage object. What happens is chosen by a seed.
"""

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any, ClassVar

import pytest

from filtered_websocket.config import Configuration
from filtered_websocket.errors import StorageAway
from filtered_websocket.filters.base import Position, WebSocketConsumerFilter
from filtered_websocket.server import Server
from filtered_websocket.server.options import DECLARED
from tests.support.backends import Backend
from tests.support.coming_back import Client, Truth, numbered
from tests.support.reactor_thread import call, until
from tests.support.redis_server import RedisServer
from tests.support.serving import module_of

RUNS = int(os.environ.get("SEEDS", "12")) // 3
STEPS = 150
CHANNELS = '{"x": {"history": 20}}'


class Numbers(WebSocketConsumerFilter):
    """What is consumed may be known before it is confirmed to the one that has sent it."""

    nodes: ClassVar["Nodes"]

    @classmethod
    def filter(cls, web_socket_instance: Any, data: Any) -> Any:
        if not data.replayed:
            cls.nodes.note(data.position, int(data.payload))
        return numbered(data)


class Nodes:
    """Servers on one storage, and what is done to them.

    :param shared: two of them; else one
    """

    def __init__(self, backend: Backend, redis: RedisServer | None, seed: int) -> None:
        self.backend, self.redis, self.random = backend, redis, Random(seed)
        self.truth = Truth()
        self._epochs: list[str] = []
        Numbers.nodes = self
        self.clients = [Client(f"client {number}", self.truth) for number in range(6)]
        words = ["-f", module_of(Numbers), "--channels", CHANNELS]
        words += ["--recovery_publications", str(self.random.choice((5, 15, 1000)))]
        words += ["--recovery_tails", str(self.random.choice((0, 2048, 1 << 20)))]
        given = Configuration(words, {})
        for owner, declared in DECLARED:
            given.declare(declared, owner)
        self._options = given.resolve()
        self.servers = [self._server() for _ in range(2 if redis is not None else 1)]

    def _server(self) -> Server:
        from twisted.internet import reactor

        server = Server(self._options, call(self.backend.make), reactor)
        call(server.start)
        return server

    def close(self) -> None:
        for server in self.servers:
            call(server.stop)

    def play(self, steps: int) -> None:
        verbs = [(self.publish, 10), (self.come, 14), (self.go, 10)]
        if self.redis is not None:
            verbs += [(self.deafen, 1), (self.forget, 0.15), (self.restart_redis, 0.1), (self.slow_down, 0.5)]
        elif self.backend.StorageObject.durable:
            verbs.append((self.restart, 0.4))
        choices, weights = zip(*verbs, strict=True)
        for verb in self.random.choices(choices, weights, k=steps):
            verb()
            assert not self.truth.faults, self.truth.faults[0]
        self.end()
        assert not self.truth.faults, self.truth.faults[0]

    # What happens.

    def publish(self) -> None:
        """Several at once, by any node; those that storage does not confirm may be there or not."""
        pipeline = self.random.choice(self.servers).pipelines[0]

        async def publish(count: int) -> None:
            sent = []
            for _ in range(count):
                self.truth.published += 1
                sent.append((self.truth.published, pipeline.publish("x", str(self.truth.published))))
            for number, each in sent:
                try:
                    self.note(await each, number)
                except StorageAway:
                    self.truth.dropped.add(number)

        call(publish, self.random.randint(1, 4))

    def note(self, position: Position, number: int) -> None:
        epoch, offset = position
        if epoch not in self._epochs:
            # Where an epoch goes on, its offsets do; else all that was before is gone.
            if self._epochs:
                self.truth.carry_over(self._epochs[-1], epoch, offset - 1)
            if offset == 1:
                self.truth.note(Position(epoch, 0), number - 1)
            self._epochs.append(epoch)
        self.truth.note(position, number)

    def come(self) -> None:
        client = self.random.choice(self.clients)
        if client.pipeline is None:
            pipeline, last = self.random.choice(self.servers).pipelines[0], self.random.choice((None, None, 0, 4))
            call(lambda: client.come(pipeline, last))

    def go(self) -> None:
        call(self.random.choice(self.clients).go)

    def deafen(self) -> None:
        """All nodes lose what they hear by, and listen anew."""
        assert self.redis is not None
        self.redis.ask("CLIENT", "KILL", "TYPE", "pubsub")

    def slow_down(self) -> None:
        assert self.redis is not None
        self.redis.ask("CLIENT", "PAUSE", "20", "ALL")

    def forget(self) -> None:
        """History is gone."""
        assert self.redis is not None
        self.redis.ask("FLUSHALL")

    def restart_redis(self) -> None:
        assert self.redis is not None
        self.redis.kill()
        self.redis.start()

    def restart(self) -> None:
        """The server, on the same file: everybody is cut off."""
        for client in self.clients:
            call(client.go)
        self.close()
        self.servers = [self._server()]

    def end(self) -> None:
        for server in self.servers:
            call(server.storage_object.wait_ready)
        for client in self.clients:
            if client.pipeline is None:
                call(lambda client=client: client.come(self.servers[0].pipelines[0]))
        self.publish()
        self.publish()
        until(lambda: all(self._is_there(client) for client in self.clients))
        for client in self.clients:
            call(client.go)
        for server in self.servers:
            hub = server.pipelines[0].hub
            assert call(lambda hub=hub: (hub.channels, hub.recovering, len(hub.tails))) == ({}, {}, 0)

    def _is_there(self, client: Client) -> bool:
        """It stands where the channel ends, or was told that something is missing."""
        if client.pipeline is None:
            return bool(client.told)
        return client.is_in and client.at is not None and not self.truth.missing(client.at, self.truth.published + 1)


@pytest.fixture
def redis(backend: Backend, tmp_path: Path) -> Iterator[RedisServer | None]:
    """One to be killed, where the storage object wants one."""
    if not backend.StorageObject.shared:
        yield None
        return
    with RedisServer(tmp_path / "redis", durable=True) as server:
        backend.settings |= {"redis_url": server.url}
        yield server


@pytest.mark.parametrize("share", range(3))
def test_nobody_is_told_a_lie_and_nothing_comes_twice(
    backend: Backend, redis: RedisServer | None, tmp_path: Path, share: int
) -> None:
    told: Counter[str] = Counter()
    for seed in range(share * RUNS, share * RUNS + RUNS):
        if redis is not None:
            redis.ask("FLUSHALL")
        elif backend.StorageObject.durable:
            backend.settings["sqlite_file"] = str(tmp_path / f"{seed}.sqlite")
        nodes = Nodes(backend, redis, seed)
        try:
            nodes.play(STEPS)
        except BaseException as error:
            error.add_note(f"seed {seed}: {[each.told for each in nodes.clients]}")
            raise
        finally:
            nodes.close()
        for client in nodes.clients:
            told.update(client.told)
    assert told["recovered"] > 5 * RUNS, told

"""Whatever happens in whatever order, a client of an SDK is told no lie: what was missed and what is live are merged.

Runs by their seeds: clients that subscribe, leave, are cut off and come back, with the position that an SDK keeps: the
epoch of the last answer, the offset of the last publication. Against the storage of the core's own interleavings, with
two nodes (tests/pipeline/test_interleavings.py): late, failing, trimmed, failing over, begun anew. And on every storage
object as it is: Redis with two nodes, which forgets all that it keeps; memory and SQLite with a
program that is started again. `SEEDS=5000 pytest tests/filters/centrifugo/test_merge.py` for more of them.
"""

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest

from filtered_websocket.filters.centrifugo.envelope import Envelope, pack
from filtered_websocket.messages.publication import Position, Publication
from filtered_websocket.testing.server import Server
from tests.filters.centrifugo.clients import CENTRIFUGO, PATH
from tests.support.backends import Backend
from tests.support.coming_back import Truth
from tests.support.held import Real
from tests.support.interleavings import Run, Slow, Storage, Weighted, play, seeds
from tests.support.redis_server import RedisServer
from tests.support.unsteady import Unsteady

SHARES = 2
GIVEN: dict[str, Any] = {
    "centrifugo_allow_anonymous": True,
    "centrifugo_ping_interval": 3600,
    "centrifugo_pong_timeout": 3600,
}
NAMESPACE = {
    "allow_subscribe_for_client": True, "allow_subscribe_for_anonymous": True, "history_ttl": "1h",
    "force_recovery": True,
}  # fmt: skip


class SDK:
    """A client as an SDK is one.

    :ivar epoch, offset: that it comes back with; None: it has been nowhere
    :ivar at: the number that it knows it stands at; None if it knows nothing
    """

    def __init__(self, name: str, truth: Truth) -> None:
        self.name, self.truth = name, truth
        self.wire: Any = None
        self.is_in = self.asked = False
        self.epoch: str | None = None
        self.offset = self.highest = 0
        self.at: int | None = None
        self.told: list[str] = []
        self._number = 1

    def come(self, server: Server) -> None:
        if self.wire is None:
            self.wire = server.connect(PATH)
            self.wire.send('{"id":1,"connect":{}}')
        self.subscribe()

    def subscribe(self) -> None:
        self._number += 1
        request = {"channel": "x"}
        if self.epoch is not None:
            request |= {"recover": True, "epoch": self.epoch, "offset": self.offset}
        self.asked = True
        self.wire.send(json.dumps({"id": self._number, "subscribe": request}))

    def unsubscribe(self) -> None:
        self._number += 1
        self.is_in = False
        self.wire.send(json.dumps({"id": self._number, "unsubscribe": {"channel": "x"}}))

    def forget(self) -> None:
        """It comes back as a new one."""
        self.epoch, self.offset, self.at, self.highest = None, 0, None, 0

    def cut(self) -> None:
        if self.wire is not None:
            self.listen()
            self.wire.abort()
            self.wire, self.is_in, self.asked = None, False, False

    def expect(self, is_so: bool, fault: str) -> None:
        if not is_so:
            self.truth.faults.append(f"{self.name} {fault}")

    def listen(self) -> None:
        if self.wire is None:
            return
        for message in self.wire.received():
            for line in message.split("\n"):
                self._hear(json.loads(line))
        if self.wire.close_code is not None:
            self.told.append(f"closed {self.wire.close_code}")
            self.wire, self.is_in, self.asked = None, False, False

    def _hear(self, message: Any) -> None:
        if "push" in message:
            push = message["push"]
            if "unsubscribe" in push:
                self.told.append(str(push["unsubscribe"]["code"]))
                self.is_in = False
            else:
                self.expect(self.is_in, "got something live before the answer, or behind its end")
                self._take(push["pub"])
        elif "subscribe" in message:
            self._answered(message["subscribe"])
        elif "error" in message:
            self.told.append(f"error {message['error']['code']}")
            self.asked = False

    def _answered(self, result: Any) -> None:
        self.expect(not self.is_in, "was answered twice")
        self.is_in, self.asked = True, False
        recovered = result.get("recovered", False)
        self.told.append("recovered" if recovered else "not" if result.get("was_recovering") else "new")
        if not recovered:
            self.at, self.highest = None, 0
        self.epoch, self.offset = result["epoch"], result.get("offset", 0)
        for each in result.get("publications", ()):
            self._take(each)
        if not recovered:
            self.at = self.truth.number_at(Position(self.epoch, self.offset))

    def _take(self, pub: Any) -> None:
        number, offset = pub["data"], pub["offset"]
        self.expect(offset == self.offset + 1, f"got offset {offset} behind {self.offset}")
        self.expect(number > self.highest, f"got {number} behind {self.highest}")
        if self.at is not None:
            missing = self.truth.missing(self.at, number)
            self.expect(not missing, f"got {number} without {missing}")
        self.at = self.highest = number
        self.offset = offset


class Merge(Run):
    """
    :param kept: how many publications the channel keeps
    """

    def __init__(self, random: Random, storage: Storage, kept: int) -> None:
        super().__init__(random, storage)
        self.slow = random.random() < 0.3
        self._kept = kept
        self._options = GIVEN | {
            "recovery_publications": random.choice((4, 20, 100)),
            "recovery_tails": random.choice((0, 4096, 1 << 20)),
            "centrifugo_without_namespace": NAMESPACE | {"history_size": kept},
        }
        self._clients = [SDK(f"client {number}", self.truth) for number in range(4)]

    @property
    def clients(self) -> list[SDK]:
        return self._clients

    def server(self, node: Any) -> Server:
        return Server(Slow, CENTRIFUGO, storage_object=node, **self._options)

    def own_steps(self) -> list[Weighted]:
        return [(self.publish, 15), (self.come, 30), (self.leave, 8), (self.cut, 8)]

    def send(self) -> Any:
        publication = Publication("x", (pack(Envelope(b"%d" % self.truth.published)),))
        pipeline = self.random.choice(self.servers).pipeline()
        return pipeline.storage_object.send(publication, pipeline.keep(self._kept, 3600))

    def look(self) -> None:
        self.settle()
        for client in self.clients:
            client.listen()

    def consume(self, publication: Any) -> Any:
        return self.hold() if self.slow and self.random.random() < 0.4 else None

    def come(self) -> None:
        client = self.random.choice(self.clients)
        if not client.is_in and not client.asked:
            if self.random.random() < 0.1:
                client.forget()
            client.come(self.random.choice(self.servers))

    def leave(self) -> None:
        client = self.random.choice(self.clients)
        if client.is_in:
            client.unsubscribe()

    def cut(self) -> None:
        self.random.choice(self.clients).cut()

    def end(self) -> None:
        for _ in range(5):
            for client in self.clients:
                if not client.is_in and not client.asked:
                    client.come(self.servers[0])
            self.publish()
            self.all_is_done()
            self.advance(6)
            self.look()
        for client in self.clients:
            assert client.is_in, client.told
            assert client.at is not None
            assert not self.truth.missing(client.at, self.truth.published + 1), (client.at, self.truth.published)
            client.cut()
        self.settle()
        for server in self.servers:
            hub = server.pipeline().hub
            assert hub.channels == hub.recovering == {}


@pytest.mark.parametrize("share", range(SHARES))
def test_never_a_hole_never_a_double_and_nothing_before_its_answer(share):
    def begin(seed: int) -> Merge:
        return Merge(Random(seed), Unsteady(2, lambda raw: int(raw.rpartition(b"\0")[2])), 1000)

    numbers = seeds(40, share, SHARES)
    told = play(numbers, begin)
    assert told["recovered"] > len(numbers)
    # In few runs one of these may not come to pass.
    assert len({"recovered", "not", "new", "2500", "error 100"} & set(told)) > 3, told


def test_so_it_is_on_every_storage_object(backend: Backend, redis_server: RedisServer, tmp_path: Path) -> None:
    shared = backend.StorageObject.shared
    # Only a run has Redis go away: no heartbeat is missed on a busy machine.
    backend.settings |= {"redis_heartbeat": 10, "lease_seconds": 60} if shared else {}

    def begin(seed: int) -> Merge:
        if not shared and backend.StorageObject.durable:
            backend.settings["sqlite_file"] = str(tmp_path / f"{seed}.sqlite")
        random = Random(seed)
        kept = random.choice((5, 20, 1000))
        return Merge(random, Real(backend, redis_server if shared else None, random), kept)

    numbers = seeds(8, 0, 1)
    told = play(numbers, begin)
    assert told["recovered"] > len(numbers), told
    assert {"recovered", "not", "new"} <= set(told), told

"""Whatever happens in whatever order, a client of an SDK is told no lie: what was missed and what is live are merged.

Thousands of runs, each by its seed: two nodes, clients that subscribe, leave, are cut off and come back to either one,
with the position that an SDK keeps: the epoch of the last answer, the offset of the last publication. The storage is
that of the core's own interleavings (tests/pipeline/test_interleavings.py): late, failing, trimmed, failing over, begun
anew. `INTERLEAVINGS=20000 pytest tests/filters/centrifugo/test_merge.py` for more of them.
"""

import json
import os
from collections import Counter
from random import Random
from typing import Any, ClassVar

import pytest
from twisted.internet.defer import Deferred

from filtered_websocket.filters.base import WebSocketConsumerFilter
from filtered_websocket.filters.centrifugo.envelope import Envelope, pack
from filtered_websocket.messages.publication import Position, Publication
from filtered_websocket.testing.server import Server
from tests.filters.centrifugo.clients import CENTRIFUGO, PATH
from tests.support.coming_back import Truth
from tests.support.unsteady import Log, Node

RUNS = int(os.environ.get("INTERLEAVINGS", "120"))
SHARES = 6
STEPS = 100
GIVEN: dict[str, Any] = {
    "centrifugo_allow_anonymous": True,
    "centrifugo_ping_interval": 3600,
    "centrifugo_pong_timeout": 3600,
    "centrifugo_without_namespace": {
        "allow_subscribe_for_client": True, "allow_subscribe_for_anonymous": True, "history_size": 1000,
        "history_ttl": "1h", "force_recovery": True,
    },
}  # fmt: skip


class Slow(WebSocketConsumerFilter):
    run: ClassVar[Any] = None

    @classmethod
    def filter(cls, web_socket_instance, data):
        return cls.run.consume()


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


class Run:
    """One run."""

    def __init__(self, seed: int) -> None:
        self.random = random = Random(seed)
        self.truth, self.log = Truth(), Log("x")
        self.waiting: list[Deferred[Any]] = []
        self.slow = random.random() < 0.3
        options = GIVEN | {
            "recovery_publications": random.choice((4, 20, 100)),
            "recovery_tails": random.choice((0, 4096, 1 << 20)),
        }
        Slow.run = self
        self.nodes = [Node(self.log) for _ in range(2)]
        self.servers = [Server(Slow, CENTRIFUGO, storage_object=node, **options) for node in self.nodes]
        self.clients = [SDK(f"client {number}", self.truth) for number in range(4)]
        self.steps = [
            (self.publish, 15), (self.hear, 30), (self.answer, 30), (self.come, 30), (self.leave, 8), (self.cut, 8),
            (self.go_on, 15), (self.trim, 2), (self.fail_over, 1), (self.wipe, 0.3), (self.lose, 2), (self.wait, 2),
            (self.fail, 1),
        ]  # fmt: skip

    def consume(self) -> Any:
        if not self.slow or self.random.random() < 0.6:
            return None
        waits: Deferred[Any] = Deferred()
        self.waiting.append(waits)
        return waits

    def play(self) -> None:
        steps, weights = zip(*self.steps, strict=True)
        for step in self.random.choices(steps, weights, k=STEPS):
            step()
            self.look()
        self.end()

    def look(self) -> None:
        for server in self.servers:
            server.settle()
        for client in self.clients:
            client.listen()
        assert not self.truth.faults, self.truth.faults[0]

    def publish(self) -> None:
        self.truth.published += 1
        epoch = self.log.epoch
        publication = Publication("x", (pack(Envelope(b"%d" % self.truth.published)),))
        node = self.random.randrange(2)
        pipeline = self.servers[node].pipeline()
        sent = pipeline.storage_object.send(publication, pipeline.names.kept("x"))
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
        if not client.is_in and not client.asked:
            if self.random.random() < 0.1:
                client.epoch, client.offset, client.at, client.highest = None, 0, None, 0
            client.come(self.random.choice(self.servers))

    def leave(self) -> None:
        client = self.random.choice(self.clients)
        if client.is_in:
            client.unsubscribe()

    def cut(self) -> None:
        self.random.choice(self.clients).cut()

    def go_on(self) -> None:
        waiting, self.waiting = self.waiting, []
        for each in waiting:
            each.callback(None)

    def trim(self) -> None:
        self.log.trim(self.random.randint(1, 6))

    def fail_over(self) -> None:
        numbers = [int(each.rpartition(b"\0")[2]) for each in self.log.fail_over(self.random.randint(0, 3))]
        self.truth.lost.update(numbers)

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
        """All goes well from now on: everybody is where the channel is."""
        for _ in range(5):
            for client in self.clients:
                if not client.is_in and not client.asked:
                    client.come(self.servers[0])
            self.publish()
            for _ in range(20):
                for node in self.nodes:
                    while node.asked:
                        node.answer(0)
                    while node.arriving:
                        node.hear()
                self.go_on()
                self.look()
            for server in self.servers:
                server.advance(6)
            self.look()
        for client in self.clients:
            assert client.is_in, client.told
            assert client.at is not None
            assert not self.truth.missing(client.at, self.truth.published + 1), (client.at, self.truth.published)
            client.cut()
        for server in self.servers:
            server.settle()
            hub = server.pipeline().hub
            assert hub.channels == hub.recovering == {}


@pytest.mark.parametrize("share", range(SHARES))
def test_never_a_hole_never_a_double_and_nothing_before_its_answer(share):
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
    assert told["recovered"] > RUNS / SHARES
    # In few runs one of these may not come to pass.
    assert len({"recovered", "not", "new", "2500", "error 100"} & set(told)) > 3, told

"""One round: a world of one kind, faults by a seed for so long, then peace; and what the oracle says of it."""

import json
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from filtered_websocket.messages.publication import Position
from tests.chaos.clients import Comer, Member, Reader, Sayer
from tests.chaos.faults import Fault, Target, of_node, of_proxy
from tests.chaos.node import Node
from tests.chaos.publisher import Publisher
from tests.chaos.redises import Cluster, File, Standalone, Storage, WithSentinel
from tests.chaos.served import HISTORY, KEPT, LEASE, OPEN, ROOM, SECRET
from tests.chaos.truth import Truth
from tests.support.http_client import ask

READERS, MEMBERS, PUBLISHERS = 3, 4, 2
PAUSE, HOLD = (0.5, 5.0), (0.1, 4.0)
"""Seconds between two faults of one target, and seconds that one lasts."""
SETTLED = 5.0
"""Seconds after a fault until its consequences are over, but for leases."""
PATIENCE = 90.0
"""Seconds within which all that is owed has come, when all is well."""
COUNTED = 0.5
"""Seconds between two looks at what nodes have counted."""


class Kind(NamedTuple):
    nodes: int
    workers: int
    storage: Callable[[Path, Truth], Storage]


KINDS = {
    "sqlite": Kind(1, 0, File),
    "workers": Kind(1, 2, Standalone),
    "nodes": Kind(2, 0, Standalone),
    "sentinel": Kind(2, 0, WithSentinel),
    "cluster": Kind(2, 0, Cluster),
}


class Planned(NamedTuple):
    """A fault of the schedule, in seconds: how long all is well before it, and how long it lasts."""

    pause: float
    fault: Fault
    hold: float


def plan(target: Target, seed: str, seconds: float) -> list[Planned]:
    """The faults of one target: the same for the same seed."""
    random, planned, at = Random(f"{seed} {target.name}"), [], 0.0
    while (at := at + (pause := random.uniform(*PAUSE))) < seconds:
        planned.append(Planned(pause, target.choose(random), random.uniform(*HOLD)))
        at += planned[-1].hold
    return planned


def _some(targets: list[Target], seed: str) -> list[Target]:
    """Those that fail in a round: of odd seeds all. Where some stay well, clients see more of what others cause."""
    if int(seed.partition(" ")[0]) % 2:
        return targets
    return [each for each in targets if Random(f"{seed} {each.name} fails").random() < 0.4] or targets


class Round:
    """It all happens when `run` is called.

    :ivar schedule: what was done and when, in lines
    :ivar faults: what was not as promised
    :ivar logs: the end of what each node has logged
    """

    def __init__(self, kind: str, seed: int, seconds: float, folder: Path) -> None:
        self.schedule: list[str] = []
        self.faults: list[str] = []
        self.logs: dict[str, str] = {}
        self.truth = Truth()
        self.outcomes: dict[str, int] = {}
        self._kind, self._seed, self._seconds, self._folder = KINDS[kind], f"{seed} {kind}", seconds, folder
        self._nodes: list[Node] = []
        self._began = 0.0
        for name in (HISTORY, *KEPT, ROOM, OPEN):
            self.truth.oracle.channel(name, kept=name != OPEN)

    def run(self) -> list[str]:
        """The faults; none if all was as promised."""
        with ExitStack() as stack:
            stack.callback(setattr, threading, "excepthook", threading.excepthook)
            threading.excepthook = self._failed
            storage = self._kind.storage(self._folder, self.truth)
            stack.callback(storage.close)
            for number in range(self._kind.nodes):
                name = "ab"[number]
                node = Node(name, self._folder, self._kind.workers, **storage.options(name))
                stack.callback(node.close)
                self._nodes.append(node)
                node.start()
            targets = storage.targets()
            for node in self._nodes:
                targets += [of_node(node), of_proxy(f"in front of {node.name}", node.front)]
            try:
                self._live(_some(targets, self._seed))
            except Exception:
                self.faults.append(traceback.format_exc())
        with self.truth.lock:
            self.faults += self.truth.oracle.faults
        for node in self._nodes:
            self.faults += node.faults
            self.logs[node.name] = node.log
        return self.faults

    def _failed(self, about: threading.ExceptHookArgs) -> None:
        """A client, or what makes things fail, has met what it does not know."""
        self.faults.append("".join(traceback.format_exception(about.exc_type, about.exc_value, about.exc_traceback)))

    def _live(self, targets: list[Target]) -> None:
        # Every second one comes straight to the nodes: it stays long enough to see what others cause.
        fronts = {node.name: node.front.port for node in self._nodes}
        ways = fronts, {node.name: node.port for node in self._nodes}
        comers: list[Comer] = []
        for name, kind, count in (("reader", Reader, READERS), ("sayer", Sayer, 1), ("member", Member, MEMBERS)):
            for number in range(count):
                whole = f"{name} {number}"
                comers.append(kind(whole, self.truth, ways[number % 2], Random(f"{self._seed} {whole}")))
                comers[-1].node = self._nodes[number // 2 % len(self._nodes)].name
        publishers = [
            Publisher(self.truth, fronts, Random(f"{self._seed} publisher {number}")) for number in range(PUBLISHERS)
        ]
        counting = threading.Event()
        counts = threading.Thread(target=self._count, args=(counting,), daemon=True)
        for each in (*comers, *publishers, counts):
            each.start()
        try:
            self._wait("all are in", lambda: all(each.is_in for each in comers))
            self._began = time.monotonic()
            self._fail(targets)
            self._rest(comers, publishers)
        finally:
            for each in (*comers, *publishers):
                each.leave() if isinstance(each, Comer) else each.ends.set()
            counting.set()
            for thread in (*comers, *publishers, counts):
                thread.join(PATIENCE)

    # Faults.

    def _fail(self, targets: list[Target]) -> None:
        threads = [threading.Thread(target=self._of_target, args=(target,), daemon=True) for target in targets]
        for each in threads:
            each.start()
        for each in threads:
            each.join(self._seconds + 2 * PATIENCE)
            assert not each.is_alive(), "a fault has no end"

    def _of_target(self, target: Target) -> None:
        for pause, fault, hold in plan(target, self._seed, self._seconds):
            if time.monotonic() - self._began > self._seconds:
                return  # faults take time themselves
            threading.Event().wait(pause)
            self._say(f"{target.name}: {fault.name}, for {hold:.1f} s")
            self.truth.disturb()
            fault.begin()
            threading.Event().wait(hold)
            fault.end()
            self._say(f"{target.name}: well again")
            timer = threading.Timer(SETTLED, self.truth.settle)
            timer.daemon = True
            timer.start()

    def _say(self, line: str) -> None:
        self.schedule.append(f"{time.monotonic() - self._began:6.1f} s  {line}")

    # What nodes count.

    def _count(self, ending: threading.Event) -> None:
        while not ending.wait(COUNTED):
            self._look()

    def _look(self) -> None:
        for node in self._nodes:
            losses = node.losses()
            with self.truth.lock:
                self.truth.oracle.counted(node.name, losses)

    # Peace.

    def _rest(self, comers: list[Comer], publishers: list[Publisher]) -> None:
        self._say("peace")
        self._wait("all nodes are ready", lambda: all(node.is_ready() for node in self._nodes))
        self._wait("all are in", lambda: all(each.is_in for each in comers))
        for publisher in publishers:
            publisher.ends.set()
            publisher.join(PATIENCE)
        for each in comers:
            if isinstance(each, Sayer):
                each.ends.set()
        # The last of each channel shows that it is live.
        for channel in (*KEPT, ROOM, OPEN):
            before = publishers[0].confirmed
            self._wait(
                f"{channel} takes publications",
                lambda channel=channel, before=before: (
                    publishers[0].publish(channel) or publishers[0].confirmed > before
                ),
            )
        try:
            self._wait("all that is owed has come", lambda: self._is_complete(comers))
        except TimeoutError:
            pass  # the oracle says what is missing
        connections = sum(node.connections() for node in self._nodes)
        with self.truth.lock:
            if connections != len(comers):
                self.truth.oracle.fault(f"{len(comers)} clients are there, and nodes have {connections} connections")
            self.truth.oracle.rest({ROOM: self._members()})
            for channel in (*KEPT, ROOM):
                self.truth.oracle.history(channel, self._history(channel), 10_000)
            self.outcomes["confirmed"] = self.truth.confirmations

    def _is_complete(self, comers: list[Comer]) -> bool:
        self._look()
        members = self._members()
        if sum(node.connections() for node in self._nodes) != len(comers):
            return False
        with self.truth.lock:
            oracle = self.truth.oracle
            return (
                all(each.is_in for each in comers)
                and not any(witness.owed() for witness in oracle.witnesses.values())
                and members == set(oracle.members_of(ROOM).present)
            )

    def _members(self) -> set[str]:
        return set(self._api("presence", ROOM).get("presence", {}))

    def _history(self, channel: str) -> list[tuple[int, Position]]:
        found = self._api("history", channel, limit=-1)
        return [(each["data"], Position(found["epoch"], each["offset"])) for each in found["publications"]]

    def _api(self, method: str, channel: str, **more: Any) -> dict[str, Any]:
        port = self._nodes[0].front.port
        answer = ask(("127.0.0.1", port), "POST", f"/api/{method}", {"channel": channel} | more, {"X-API-Key": SECRET})
        found: dict[str, Any] = json.loads(answer.body)
        assert "result" in found, found
        return found["result"]  # type: ignore[no-any-return]

    def _wait(self, what: str, predicate: Callable[[], object]) -> None:
        end = time.monotonic() + PATIENCE + LEASE
        while not predicate():
            if time.monotonic() > end:
                self.faults.append(f"not so within {PATIENCE + LEASE:g} s: {what}")
                raise TimeoutError(what)
            threading.Event().wait(0.1)

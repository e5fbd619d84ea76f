"""Publications without a pause on many channels, half of them with history: whether what was said of each is true, and
how long it took.

Each of several nodes publishes to every channel and is subscribed to every channel; beside them a `Publisher`, which
has no reactor, goes round all channels.
"""

import os
import threading
import time
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import gatherResults
from twisted.internet.task import LoopingCall

from filtered_websocket.publisher import Publisher
from filtered_websocket.storage_objects.base import StorageAway
from tests.support.backends import Node, message
from tests.support.reactor_thread import call, until
from tests.support.redis_cluster import RedisCluster
from tests.support.redis_nodes import KEEP

EVERY = 0.05
"""Seconds between two rounds, each a publication on every channel by one of the nodes, which take turns."""
PUBLISHER_EVERY = 0.005
"""Seconds between two of the Publisher's."""
LONG = 60.0
"""Seconds that something may take on a busy machine."""
MEASURED = os.environ.get("FIGURES") == "1"
"""Whether the machine has nothing else to do (`make bench-faults`)."""
BUSY = 0.0 if MEASURED else 20.0
"""Seconds that something may take longer where it has, and waits for a processor: less than the 30 s after which a map
is asked for anyhow."""


def hold(what: str, seconds: float, bar: float) -> None:
    """Compare what was measured with what the design promises.

    :raises AssertionError: it took longer
    """
    if MEASURED:
        print(f"\n{what:<70} {seconds:5.2f} s, bar {bar:4g}: {'pass' if seconds <= bar else 'MISS'}")
    assert seconds <= bar + BUSY, f"{what}: {seconds:.2f} s, and the bar is {bar:g} s"


class Sent:
    """
    :ivar at: when it was asked
    :ivar answered: when that was answered
    :ivar outcome: "confirmed", "unknown", "not done", or "" for no answer yet
    """

    __slots__ = ("answered", "at", "channel", "number", "outcome", "sender")

    def __init__(self, sender: int, channel: str, number: int) -> None:
        self.sender, self.channel, self.number = sender, channel, number
        self.at, self.answered, self.outcome = time.monotonic(), 0.0, ""

    def end(self, failure: StorageAway | None) -> None:
        self.answered = time.monotonic()
        self.outcome = "confirmed" if failure is None else "unknown" if "unknown" in str(failure) else "not done"


class Load:
    """
    :param nodes: that publish to all channels, and are subscribed to them
    :param cluster: what they are on
    :param channels: how many
    """

    def __init__(self, nodes: list[Node], cluster: RedisCluster, channels: int = 200) -> None:
        self._nodes = nodes
        self.kept = [f"kept {number}" for number in range(channels // 2)]
        self.fleeting = [f"fleeting {number}" for number in range(channels // 2)]
        self._keeps = dict.fromkeys(self.kept, KEEP)
        self._sent: dict[str, dict[int, list[Sent]]] = {
            channel: {sender: [] for sender in range(len(nodes) + 1)} for channel in self.channels
        }
        self._rounds = self._open = 0
        self._loop = LoopingCall(self._round)
        self._loop.clock = reactor
        rule = {"history": KEEP.count, "history_seconds": KEEP.seconds}
        self._publisher = Publisher(cluster.url, redis_cluster=True, channels={"kept *": rule})
        self._ending = threading.Event()
        self._publishing = threading.Thread(target=self._publish, daemon=True)
        self._ears = [Ear(node) for node in nodes]
        for node in nodes:
            call(lambda node=node: gatherResults([node.storage.subscribe(channel) for channel in self.channels]))

    @property
    def channels(self) -> list[str]:
        return self.kept + self.fleeting

    def __enter__(self) -> "Load":
        call(lambda: self._loop.start(EVERY) and None)
        self._publishing.start()
        self.wait_live(time.monotonic())
        return self

    def __exit__(self, *_: object) -> None:
        call(self._loop.stop)
        self._ending.set()
        self._publishing.join(LONG)
        self._publisher.close()
        until(lambda: self._open == 0, deadline=LONG)

    # Publishing.

    def _round(self) -> None:
        sender = self._rounds % len(self._nodes)
        self._rounds += 1
        send = self._nodes[sender].storage.send
        for channel in self.channels:
            sent = self._next(sender, channel)
            self._open += 1
            answer = send(message(channel, f"{sender} {sent.number}"), self._keeps.get(channel))
            answer.addCallbacks(self._done, self._failed, (sent,), None, (sent,))

    def _done(self, _: object, sent: Sent) -> None:
        self._open -= 1
        sent.end(None)

    def _failed(self, failure: Any, sent: Sent) -> None:
        self._open -= 1
        failure.trap(StorageAway)
        sent.end(failure.value)

    def _publish(self) -> None:
        sender = len(self._nodes)
        while True:
            for channel in self.channels:
                if self._ending.wait(PUBLISHER_EVERY):
                    return
                sent = self._next(sender, channel)
                try:
                    self._publisher.publish(channel, f"{sender} {sent.number}")
                except StorageAway as away:
                    sent.end(away)
                else:
                    sent.end(None)

    def _next(self, sender: int, channel: str) -> Sent:
        before = self._sent[channel][sender]
        sent = Sent(sender, channel, len(before))
        before.append(sent)
        return sent

    # How long it took.

    def wait_live(self, since: float) -> float:
        """Wait until on every channel, of what each node has published since then, something is confirmed and all have
        heard it; the seconds from then until it was."""
        end, live = time.monotonic() + LONG, since
        for channel in self.channels:
            for sender in range(len(self._nodes)):
                while (first := self._confirmed_and_heard(channel, sender, since)) is None:
                    assert time.monotonic() < end, f"{channel!r} is not live within {LONG:g} s: {self._ends(channel)}"
                    threading.Event().wait(0.02)
                live = max(live, first)
        return live - since

    def _confirmed_and_heard(self, channel: str, sender: int, since: float) -> float | None:
        """When both was so of the first of which it was."""
        sent = self._sent[channel][sender]
        for ear in self._ears:
            ear.listen()
        for each in sent[bisect_left(sent, since, key=lambda one: one.at) :]:
            heard = [ear.heard[channel].get((sender, each.number), 0.0) for ear in self._ears]
            if each.outcome == "confirmed" and all(heard):
                return max(each.answered, *heard)
        return None

    def _ends(self, channel: str) -> list[str]:
        """What became of the newest of each sender."""
        return [sent[-1].outcome for sent in self._sent[channel].values() if sent]

    def longest(self, channels: Collection[str], since: float) -> float:
        """The longest that a node's publication of since then on these channels has waited for its answer."""
        return max(
            sent.answered - sent.at
            for channel in channels
            for sender in range(len(self._nodes))
            for sent in self._sent[channel][sender]
            if sent.at >= since and sent.answered
        )

    def failed(self) -> int:
        """How many of the nodes' publications were not confirmed."""
        senders = range(len(self._nodes))
        return sum(
            sent.outcome not in ("confirmed", "") for by in self._sent.values() for each in senders for sent in by[each]
        )

    # Whether it is true.

    def lost(self, killed: float, promoted: float) -> set[Sent]:
        """What a master that was killed has confirmed, and its replica never got: a turn of Redis's loop may answer
        clients before it tells replicas. So these are the last that it has answered, and no history holds them.
        """
        lost = set()
        for channel in self.kept:
            held = {each.payload for each in self._nodes[0].latest(channel, 0, KEEP.count)}
            for by in self._sent[channel].values():
                confirmed = [sent for sent in by if sent.outcome == "confirmed"]
                missing = [sent for sent in confirmed if b"%d %d" % (sent.sender, sent.number) not in held]
                for sent in missing:
                    assert sent.answered < promoted, (channel, sent.sender, sent.number, "is in no history")
                    behind = [each.number for each in confirmed if each.number > sent.number and each.answered < killed]
                    assert set(behind) <= {each.number for each in missing}, (channel, sent.number, "came before these")
                lost.update(missing)
        return lost

    def check(self, since: float = 0.0, lost: Collection[Sent] = ()) -> None:
        """When it is over: all have had what was confirmed, once and in the order of its sender, and nothing that was
        not done; on channels without history, or they were told that they may have missed something. All have had what
        is kept in one order.

        :param since: Redis itself may have lost what was published before
        :param lost: what it has lost
        """
        owed = {
            channel: {
                (sent.sender, sent.number)
                for sent in self._of(channel, "confirmed")
                if sent.at >= since and sent not in lost
            }
            for channel in self.channels
        }
        for ear in self._ears:
            # Of the rest too: what its sender has confirmed may be on its way to another node.
            ear.wait(
                lambda ear=ear: all(
                    channel in ear.node.recorder.gaps or owed[channel] <= ear.heard[channel].keys()
                    for channel in self.channels
                )
            )
        for channel, confirmed in owed.items():
            not_done = {(sent.sender, sent.number) for sent in self._of(channel, "not done")}
            unknown = {(sent.sender, sent.number) for sent in self._of(channel, "unknown")}
            orders = []
            for ear in self._ears:
                heard = list(ear.heard[channel])
                assert ear.doubled[channel] == [], (channel, "came twice")
                assert not not_done & set(heard), (channel, "what was not done is heard")
                missing = confirmed - set(heard)
                told = channel in ear.node.recorder.gaps
                if channel in self.kept:
                    assert not missing, (channel, sorted(missing))
                    assert not told, (channel, "a gap was told though nothing is missing")
                    orders.append([each for each in heard if each in confirmed])
                    for sender in self._sent[channel]:
                        numbers = [number for by, number in heard if by == sender and (by, number) not in unknown]
                        assert numbers == sorted(numbers), (channel, sender, numbers)
                else:
                    assert told or not missing, (channel, sorted(missing))
            assert all(order == orders[0] for order in orders), (channel, "in another order by another node")

    def _of(self, channel: str, outcome: str) -> list[Sent]:
        return [sent for by in self._sent[channel].values() for sent in by if sent.outcome == outcome]


class Ear:
    """What a node has heard of a load.

    :ivar heard: for each channel, by sender and number, when it came; in the order in which it came
    :ivar doubled: what came again
    """

    def __init__(self, node: Node) -> None:
        self.node = node
        self.heard: dict[str, dict[tuple[int, int], float]] = defaultdict(dict)
        self.doubled: dict[str, list[tuple[int, int]]] = defaultdict(list)
        self._read = len(node.recorder.publications)

    def listen(self) -> None:
        """Read what has come since the last time."""
        recorder = self.node.recorder
        new = len(recorder.publications)
        come = zip(recorder.publications[self._read : new], recorder.came_at[self._read : new], strict=True)
        self._read = new
        for publication, at in come:
            sender, _, number = publication.payload.partition(b" ")
            if not number:
                continue  # of the test itself
            heard, which = self.heard[publication.channel], (int(sender), int(number))
            if which in heard:
                self.doubled[publication.channel].append(which)
            heard.setdefault(which, at)

    def wait(self, predicate: Any) -> None:
        def looks() -> bool:
            self.listen()
            return bool(predicate())

        self.node.recorder.wait_for(looks, LONG)


def heard(reader: Node, channel: str) -> list[int]:
    """The numbers that a reader has had on a channel, in its order."""
    return [int(each.payload) for each in list(reader.recorder.publications) if each.channel == channel]

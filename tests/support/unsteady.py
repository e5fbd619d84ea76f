"""Storage that several servers in memory share, where all that can happen to Redis happens when a test says so.

One log, in one epoch at a time; after a failover positions of the epoch before are still worth what can be proven, by
the rules of `storage_objects.base`. Each node hears what is published late, in order; what it has missed is filled from
the log, or told as a gap. What is asked is answered late, or not at all.
"""

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from twisted.internet.defer import Deferred, succeed

from filtered_websocket.errors import StorageAway
from filtered_websocket.messages.publication import Position, Publication
from filtered_websocket.storage_objects.base import DEFAULT_POOL, Consumer, Pool
from filtered_websocket.storage_objects.memory import StorageObject

if TYPE_CHECKING:
    from tests.support.interleavings import Run, Weighted


class Kept(NamedTuple):
    offset: int
    payload: bytes


class Log:
    """The history of one channel, as storage has it.

    :ivar bridges: epoch before -> the epoch after it, and the offset up to which both are the same
    """

    def __init__(self, channel: str) -> None:
        self.channel = channel
        self.kept: deque[Kept] = deque()
        self.bridges: dict[str, tuple[str, int]] = {}
        self._epochs = self.top = 0
        self._lost_home = False
        self.lost_top = 0
        self._begin()
        self.nodes: list[Node] = []

    def _begin(self) -> None:
        self._epochs += 1
        self.epoch = f"e{self._epochs}"

    @property
    def position(self) -> Position:
        return Position(self.epoch, self.top)

    def append(self, payload: bytes) -> Publication:
        if self._lost_home:
            # The first that is sent to the new home: its offsets go on from what that has.
            before = self.epoch
            self._begin()
            self.bridges[before] = self.epoch, self.top
            self._lost_home = False
        self.top += 1
        self.kept.append(Kept(self.top, payload))
        return self._publication(self.kept[-1])

    def trim(self, count: int) -> None:
        for _ in range(min(count, len(self.kept))):
            self.kept.popleft()

    def fail_over(self, lost: int) -> list[bytes]:
        """Another home, without the last writes: these."""
        gone = [self.kept.pop().payload for _ in range(min(lost, len(self.kept)))]
        self.lost_top = max(self.top, self.lost_top if self._lost_home else 0)
        self.top -= len(gone)
        self._lost_home = True
        return gone

    def wipe(self) -> list[bytes]:
        """It begins anew, and proves nothing of what was before."""
        gone = [each.payload for each in self.kept]
        self.kept.clear()
        self.bridges.clear()
        self._lost_home, self.top = False, 0
        self._begin()
        return gone

    def since(self, position: Position) -> list[Publication] | None:
        epoch, offset = position
        while epoch != self.epoch:
            if epoch not in self.bridges:
                return None
            epoch, common = self.bridges[epoch]
            offset = min(offset, common)
        if offset > self.top:
            # One that stands there has heard what is lost, of this epoch: nothing behind it is missing.
            return [] if self._lost_home and offset <= self.lost_top else None
        missed = self.top - offset
        if missed > len(self.kept):
            return None
        return self.latest(0, missed)[::-1]

    def latest(self, skip: int, count: int) -> list[Publication]:
        newest = list(self.kept)[::-1][skip : skip + count]
        return [self._publication(each) for each in newest]

    def _publication(self, kept: Kept) -> Publication:
        return Publication(self.channel, ((kept.payload, False),), (), Position(self.epoch, kept.offset))


class Node(StorageObject):
    """One node's view of the log.

    :ivar arriving: what is on its way to this node, in order
    :ivar asked: what is still to be answered: what answers it, and what fails it
    """

    shared = True

    def __init__(self, log: Log) -> None:
        super().__init__()
        self.log = log
        log.nodes.append(self)
        self.arriving: deque[Publication] = deque()
        self.asked: list[tuple[Callable[[], None], Callable[[], None]]] = []
        self.last: Position | None = None
        self.consumer: Consumer | None = None

    def start(self, consumer: Consumer) -> Deferred[None]:
        self.consumer = consumer
        return super().start(consumer)

    def send(self, publication: Publication, keep: Any = None) -> Deferred[Any]:
        sent = self.log.append(publication.payload)
        for node in self.log.nodes:
            if node.last is not None:
                node.arriving.append(sent)
        return succeed(sent.position)

    def subscribe(self, channel: str) -> Deferred[Position | None]:
        def open_ear() -> Position:
            if self.last is None:
                self.last = self.log.position
                self.arriving.clear()
            return self.last

        if self.last is not None:
            return succeed(self.last)
        return self._later(open_ear)

    def unsubscribe(self, channel: str) -> Deferred[None]:
        self.last = None
        self.arriving.clear()
        return succeed(None)

    def since(self, channel: str, position: Position, limit: int = 0) -> Deferred[list[Publication] | None]:
        def found() -> list[Publication] | None:
            missed = self.log.since(position)
            return missed[:limit] if missed and limit else missed

        return self._later(found)

    def latest(self, channel: str, skip: int, count: int) -> Deferred[list[Publication]]:
        return self._later(lambda: self.log.latest(skip, count))

    def position(self, channel: str, pool: Pool = DEFAULT_POOL) -> Deferred[Position]:
        return self._later(lambda: self.log.position)

    def _later(self, answer: Callable[[], Any]) -> Deferred[Any]:
        """Storage answers by what it has when it is asked; the node hears of it late."""
        deferred: Deferred[Any] = Deferred()
        # A read sees the log as it is when it comes there, which may be now or when it is answered.
        self.asked.append((lambda: deferred.callback(answer()), lambda: deferred.errback(StorageAway("away"))))
        return deferred

    # What happens.

    def answer(self, number: int, fails: bool = False) -> None:
        """Answer one of what was asked."""
        succeeds, away = self.asked.pop(number)
        (away if fails else succeeds)()

    def hear(self) -> None:
        """One publication arrives; a hole before it is filled, or told."""
        publication = self.arriving.popleft()
        position = publication.position
        assert position is not None
        if self.last is None:
            return
        if position.epoch == self.last.epoch:
            if position.offset <= self.last.offset:
                return
            if position.offset == self.last.offset + 1:
                self._take(publication)
                return
        elif self._is_older(position.epoch):
            return
        self.catch_up()
        if self.last is not None and self.last.epoch == position.epoch and self.last.offset < position.offset:
            self._take(publication)

    def catch_up(self) -> None:
        """What this node has missed, from the log; else a gap."""
        assert self.last is not None
        assert self.consumer is not None
        missed = self.log.since(self.last)
        if missed is None:
            self.last = self.log.position
            self.consumer.gap(self.log.channel, self.last)
            return
        for each in missed:
            self._take(each)

    def lose(self) -> None:
        """The connection to storage is lost and made again: what was on its way is not heard."""
        self.arriving.clear()
        if self.last is not None:
            self.catch_up()

    def _is_older(self, epoch: str) -> bool:
        assert self.last is not None
        return int(epoch[1:]) < int(self.last.epoch[1:])

    def _take(self, publication: Publication) -> None:
        assert self.consumer is not None
        self.last = publication.position
        self.consumer.consume(publication)


class Unsteady:
    """The storage of a run: a log, and its nodes.

    :param number: the number that a payload of the log has
    """

    def __init__(self, nodes: int, number: Callable[[bytes], int]) -> None:
        self.log = Log("x")
        self._number = number
        self.nodes = [Node(self.log) for _ in range(nodes)]

    def steps(self, run: "Run") -> "list[Weighted]":
        def trim() -> None:
            self.log.trim(run.random.randint(1, 6))

        def fail_over() -> None:
            run.truth.lost.update(map(self._number, self.log.fail_over(run.random.randint(0, 3))))

        def wipe() -> None:
            self.log.wipe()
            run.truth.note(self.log.position, run.truth.published)

        def lose() -> None:
            run.random.choice(self.nodes).lose()

        run.truth.note(self.log.position, 0)
        return [(trim, 2), (fail_over, 1), (wipe, 0.3), (lose, 2)]

    def sent(self, run: "Run", send: Callable[[], Any]) -> None:
        epoch = self.log.epoch
        position = send().result
        if self.log.epoch != epoch:
            run.truth.carry_over(epoch, self.log.epoch, self.log.bridges[epoch][1])
        run.truth.note(position, run.truth.published)

    def settle(self) -> None:
        """Nothing of it is under way."""

    def close(self) -> None:
        """Nothing of it is open."""

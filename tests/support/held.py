"""Real storage objects in a run of interleavings: what they answer and what they hear is held until the run goes on.

The storage object lives on the real reactor, in a thread of its own; the server of the kit has its own clock, in the
test's thread. A `Held` stands between both: what it is asked is asked of the storage object at once, or only when it is
to be answered.
"""

import threading
from collections import deque
from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred, maybeDeferred, succeed
from twisted.python.failure import Failure

from filtered_websocket.errors import StorageAway
from filtered_websocket.messages.publication import Position, Publication
from filtered_websocket.storage_objects.base import DEFAULT_POOL, Consumer, Pool
from filtered_websocket.storage_objects.memory import StorageObject
from tests.support.backends import Backend, Recorder
from tests.support.reactor_thread import DEADLINE, call, post
from tests.support.redis_server import RedisServer

if TYPE_CHECKING:
    from tests.support.interleavings import Run, Weighted


class Heard(Recorder):
    """What the storage object tells; in the reactor's thread.

    :ivar at: where the node stands; None while it is not subscribed
    :ivar subscribing: how many subscriptions are not yet confirmed
    :ivar times: how often it was left: what came for a subscription that has ended is not heard
    """

    def __init__(self) -> None:
        super().__init__()
        self.at: Position | None = None
        self.times = self.subscribing = 0
        self.arrived: deque[tuple[int, Callable[[Consumer], object]]] = deque()

    def consume(self, publication: Publication) -> None:
        self._arrive(publication.position, lambda consumer: consumer.consume(publication))

    def gap(self, channel: str, position: Position | None) -> None:
        self._arrive(position, lambda consumer: consumer.gap(channel, position))

    def subscribed(self, deferred: Deferred[Any], outcome: Any) -> None:
        self.subscribing -= 1
        self._arrive(None if isinstance(outcome, Failure) else outcome, lambda _: _fire(deferred, outcome))

    def _arrive(self, position: Position | None, tell: Callable[[Consumer], object]) -> None:
        with self._changed:
            self.at = position
            self.arrived.append((self.times, tell))
            self._changed.notify_all()

    def end(self) -> None:
        with self._changed:
            self.at = None
            self.times += 1
            self._changed.notify_all()

    def wait_at(self, position: Position) -> None:
        """Until the node stands there, or is not subscribed."""
        self.wait_for(
            lambda: self.at is None or (self.at.epoch == position.epoch and self.at.offset >= position.offset)
        )


def _fire(deferred: Deferred[Any], outcome: Any) -> None:
    if not deferred.called:
        deferred.callback(outcome)


class Held(StorageObject):
    """
    :param storage: not started
    :ivar asked: what is still to be answered: what answers it, and what fails it
    """

    shared = True

    def __init__(self, storage: Any, random: Random) -> None:
        super().__init__()
        self.storage, self.random = storage, random
        self.heard = Heard()
        self.asked: list[tuple[Callable[[], None], Callable[[], None]]] = []
        self._arriving: deque[Callable[[Consumer], object]] = deque()
        self._times = 0
        self._subscribing: list[Deferred[Any]] = []
        self.consumer: Consumer | None = None
        call(storage.start, self.heard)

    def close(self) -> None:
        call(self.storage.stop)

    def start(self, consumer: Consumer) -> Deferred[None]:
        self.consumer = consumer
        return super().start(consumer)

    def send(self, publication: Publication, keep: Any = None, once: str | None = None) -> Deferred[Any]:
        return succeed(call(self.storage.send, publication, keep))

    def subscribe(self, channel: str) -> Deferred[Any]:
        deferred: Deferred[Any] = Deferred()
        self._subscribing.append(deferred)
        self.heard.subscribing += 1

        def ask() -> None:
            maybeDeferred(self.storage.subscribe, channel).addBoth(lambda it: self.heard.subscribed(deferred, it))

        post(ask)
        return deferred

    def unsubscribe(self, channel: str) -> Deferred[None]:
        self._times += 1

        def leave() -> None:
            self.heard.end()
            self.storage.unsubscribe(channel)

        post(leave)
        subscribing, self._subscribing = self._subscribing, []
        for each in subscribing:
            if not each.called:
                each.errback(StorageAway("left before it was confirmed"))
        return succeed(None)

    def since(self, channel: str, position: Position, limit: int = 0) -> Deferred[list[Publication] | None]:
        return self._ask("since", channel, position, limit)

    def latest(self, channel: str, skip: int, count: int) -> Deferred[list[Publication]]:
        return self._ask("latest", channel, skip, count)

    def position(self, channel: str, pool: Pool = DEFAULT_POOL) -> Deferred[Position]:
        return self._ask("position", channel, pool)

    def _ask(self, verb: str, *args: Any) -> Deferred[Any]:
        deferred: Deferred[Any] = Deferred()
        outcome: list[Any] = []
        there = threading.Event()

        def come(result: Any) -> None:
            outcome.append(result)
            there.set()

        def ask() -> None:
            maybeDeferred(getattr(self.storage, verb), *args).addBoth(come)

        at_once = self.random.random() < 0.5
        if at_once:
            post(ask)

        def answer() -> None:
            if not at_once:
                post(ask)
            assert there.wait(DEADLINE), f"no answer of {verb} within {DEADLINE} s"
            deferred.callback(outcome[0])

        self.asked.append((answer, lambda: deferred.errback(StorageAway("away"))))
        return deferred

    # What happens.

    @property
    def arriving(self) -> deque[Callable[[Consumer], object]]:
        while self.heard.arrived:
            times, tell = self.heard.arrived.popleft()
            if times == self._times:
                self._arriving.append(tell)
        return self._arriving

    def answer(self, number: int, fails: bool = False) -> None:
        succeeds, away = self.asked.pop(number)
        (away if fails else succeeds)()

    def hear(self) -> None:
        assert self.consumer is not None
        self.arriving.popleft()(self.consumer)


class Real:
    """The storage of a run: a real one, and its nodes.

    :param redis: where that is the storage: two nodes; else one
    """

    def __init__(self, backend: Backend, redis: RedisServer | None, random: Random) -> None:
        self._backend, self._redis, self._random = backend, redis, random
        if redis is not None:
            redis.ask("FLUSHALL")
        self.nodes = [self._node() for _ in range(1 if redis is None else 2)]

    def _node(self) -> Held:
        return Held(call(self._backend.make), self._random)

    def steps(self, run: "Run") -> "list[Weighted]":
        def note() -> None:
            run.truth.note(call(self.nodes[0].storage.position, "x", run.pool), run.truth.published)

        def restart() -> None:
            """The program, on the same storage: what is in memory is gone."""
            for client in run.clients:
                client.cut()
            run.settle()
            self.close()
            self.nodes[:] = [self._node()]
            run.restart(self.nodes[0])
            note()

        def forget() -> None:
            """All that it has is gone."""
            assert self._redis is not None
            self._redis.ask("FLUSHALL")
            note()

        note()
        return [(restart, 0.5)] if self._redis is None else [(forget, 0.2)]

    def settle(self) -> None:
        for node in self.nodes:
            node.heard.wait_for(lambda node=node: not node.heard.subscribing)

    def sent(self, run: "Run", send: Callable[[], Any]) -> None:
        position = send().result
        run.truth.note(position, run.truth.published)
        for node in self.nodes:
            node.heard.wait_at(position)

    def close(self) -> None:
        for node in self.nodes:
            node.close()

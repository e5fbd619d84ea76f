"""Storage objects of Redis on the model, all on one clock."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from filtered_websocket.testing.clock import ClockReactor
from tests.simulation.redis_model.model import RedisModel
from tests.support.backends import Recorder


class Nodes:
    """Several storage objects on one clock."""

    def __init__(self, clock: ClockReactor) -> None:
        self.clock = clock
        self.model = RedisModel(clock.seconds)
        self._all: list[Any] = []

    def node(self) -> tuple[Any, Recorder]:
        """One that has been started, and what it tells."""
        way, recorder = self.model.way(self.clock), Recorder()
        storage = self.model.storage(way, redis_heartbeat=1.0, lease_seconds=6.0)
        self._all.append(storage)
        self.ask(storage.start, recorder)
        return storage, recorder

    def begin(self, function: Callable[..., Deferred[Any]], *arguments: Any) -> list[Any]:
        """The list will hold what it comes to."""
        outcome: list[Any] = []
        self.clock.callFromThread(lambda: function(*arguments).addBoth(outcome.append))
        self.settle()
        return outcome

    def ask(self, function: Callable[..., Deferred[Any]], *arguments: Any) -> Any:
        [outcome] = self.begin(function, *arguments)
        if isinstance(outcome, Failure):
            outcome.raiseException()
        return outcome

    def settle(self) -> None:
        self.clock.rest(lambda: False)

    def advance(self, seconds: float) -> None:
        self.clock.pass_time(seconds, self.settle)

    def stop(self) -> None:
        if self.model.is_frozen:
            self.model.thaw()
        stopping = [self.begin(storage.stop) for storage in self._all]
        self.advance(30)
        assert all(stopping)
        assert not self.clock.getDelayedCalls()


@contextmanager
def on_one_clock() -> Iterator[Nodes]:
    """They are stopped in the end."""
    from twisted.internet import reactor

    clock = ClockReactor()
    with clock.in_place_of(reactor):
        nodes = Nodes(clock)
        yield nodes
        nodes.stop()

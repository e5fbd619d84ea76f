"""How one node reaches storage in memory that several share: what may come between them."""

from abc import abstractmethod
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, fail, maybeDeferred

from filtered_websocket.errors import StorageAway
from filtered_websocket.storage_objects.history import Histories
from filtered_websocket.storage_objects.memory import StorageObject
from tests.simulation.clock import NodeClock
from tests.simulation.line import Line
from tests.simulation.shared_memory import SharedMemory

LEASE_SECONDS = 6.0


class Reach(StorageObject):
    """
    :ivar lose_answers: so many answers are lost: what was asked is done, and fails
    :ivar on_loss: called when one is
    :ivar gone: its node is dead
    :ivar swept: its lease has ended, and others have let go what it held
    """

    shared = True
    private_bus = False

    def __init__(self, shared: SharedMemory, clock: NodeClock) -> None:
        self._shared, self._clock = shared, clock
        super().__init__()
        self.lose_answers = 0
        self.on_loss: Callable[[], object] = lambda: None
        self.gone = self.swept = self._away = False
        self.lease_ends = shared.seconds() + LEASE_SECONDS
        self._answers, self._arrivals = (Line(clock, shared.seconds, shared.random) for _ in range(2))
        self._waiting: list[Deferred[None]] = []
        self._sets, self._maps, self._records = shared.sets, shared.maps, shared.records

    @property
    def _histories(self) -> Histories:  # type: ignore[override]
        return self._shared.histories

    @_histories.setter
    def _histories(self, own: Histories) -> None:
        """There are none but what all share."""

    # What happens to it.

    @property
    def ready(self) -> bool:
        return not self._away

    @property
    def _hears(self) -> bool:
        return not self._away and not self.gone

    def wait_ready(self) -> Deferred[None]:
        waiting: Deferred[None] = Deferred()
        if self.ready:
            waiting.callback(None)
        else:
            self._waiting.append(waiting)
        return waiting

    def tell_loss(self, call: Callable[[], object]) -> None:
        """Have it called when an answer is lost."""
        self.on_loss = call

    def slow(self, seconds: float) -> None:
        """Answers take so long at most, what arrives twice as long."""
        self._answers.delay, self._arrivals.delay = seconds, 2 * seconds

    def go_away(self) -> None:
        """This node does not reach the storage any more."""
        if not self._away:
            self._away = True
            self._cut_lines()
            self.tell("ready_changed", False)

    def come_back(self) -> None:
        if self._away:
            self._away = False
            self._clock.callFromThread(self._resume)

    def cut(self) -> None:
        """What was on its way to this node is lost, and it begins to hear again."""
        self._cut_lines()
        if not self._away:
            self._clock.callFromThread(self._catch_up)

    def _cut_lines(self) -> None:
        self._answers.cut()
        self._arrivals.cut()

    def tell(self, what: str, *arguments: Any) -> None:
        def call() -> None:
            if self._consumer is not None:
                getattr(self._consumer, what)(*arguments)

        self._clock.callFromThread(call)

    def ask(self, work: Callable[[], Any]) -> Deferred[Any]:
        """Do something, and answer in the order of what was asked."""
        if self._away:
            return fail(StorageAway("cut off: it was not done"))
        if self.lease_ends <= self._shared.seconds():
            self._beat_once()
        result = maybeDeferred(work)
        if self.lose_answers:
            self.lose_answers -= 1
            self.on_loss()
            result.addErrback(lambda _: None)
            self.cut()
            return fail(StorageAway("cut off: it is unknown whether it was done"))
        if not self._answers.delay and not self._answers.waits:
            return result
        answer: Deferred[Any] = Deferred()

        def lost() -> None:
            result.addErrback(lambda _: None)
            answer.errback(StorageAway("cut off: it is unknown whether it was done"))

        self._answers.put(lambda: result.chainDeferred(answer), lost)
        return answer

    # What a node does then.

    @abstractmethod
    def _resume(self) -> None:
        """It reaches the storage again."""

    @abstractmethod
    def _catch_up(self) -> None:
        """It hears again."""

    @abstractmethod
    def _beat_once(self) -> None:
        """Have its lease from now on, and all that it holds."""

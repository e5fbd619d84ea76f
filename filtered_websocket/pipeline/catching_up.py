"""One subscriber that comes back to a channel, and what its node can say to it by the tail of the channel alone."""

from collections.abc import Callable
from enum import Enum
from typing import NamedTuple

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from filtered_websocket.chain.channels import Insufficient
from filtered_websocket.chain.clock import DelayedCall
from filtered_websocket.chain.subscriber import Subscriber
from filtered_websocket.messages.publication import Position
from filtered_websocket.messages.recovery import EPOCH, GAP, TOO_MANY, TRIMMED
from filtered_websocket.pipeline.tail import Slice, Tail


class Step(Enum):
    """What is to be done about one that comes back."""

    ANSWER = "what the tail has behind an offset is all it needs"
    READ = "history has what comes behind an offset, up to the tail"
    ASK = "only storage knows what its position is worth"
    WAIT = "its node has not heard yet what it has heard elsewhere"


class Next(NamedTuple):
    step: Step
    offset: int = 0


class CatchingUp:
    """
    :raises TypeError: neither a position nor a number
    :raises ValueError: none that can be
    :ivar since: where it stands, None if it does not say so
    :ivar last: how many of the newest it wants where that is not enough, None for none
    :ivar reason: why not everything that it missed can be given to it
    :ivar given_up: nothing more is read or waited for
    :ivar asked: storage is asked what its position is worth
    :ivar proven: for what its node knew then, storage has said that its position is one of the present
    :ivar caught: fires with this when it can be answered
    :ivar left: it does not want to join any more
    :ivar is_over: it has left or joined
    :ivar pinned: a tail that stays for its sake
    :ivar batch: what it is given
    :ivar others: fire when it has joined
    """

    __slots__ = (
        "_leave", "asked", "batch", "caught", "channel", "deadline", "given_up", "insufficient", "is_caught", "is_over",
        "last", "left", "others", "pinned", "proven", "reason", "since", "subscriber",
    )  # fmt: skip

    def __init__(
        self,
        channel: str,
        subscriber: Subscriber,
        since: Position | None,
        last: int | None,
        *,
        insufficient: Insufficient | None,
        leave: "Callable[[CatchingUp], object]",
    ) -> None:
        _check(since, last)
        self.channel, self.subscriber, self.since, self.last = channel, subscriber, since, last
        self.insufficient = insufficient
        self.reason = ""
        self.proven: tuple[Tail, int] | None = None
        self.asked = self.is_caught = self.left = self.given_up = self.is_over = False
        self._leave = leave
        self.deadline: DelayedCall | None = None
        self.caught: Deferred[CatchingUp] = Deferred(lambda _: self.leave())
        self.pinned: Tail | None = None
        self.batch: Slice | None = None
        self.others: list[Deferred[None]] = []

    def set_caught(self) -> None:
        """It can be answered."""
        if not self.is_caught:
            self.is_caught = True
            self.forget_deadline()
            self.caught.callback(self)

    def leave(self) -> None:
        """It does not want to join any more."""
        if not self.is_over:
            self.left = True
            self._leave(self)
            self.set_caught()

    cancel = leave

    def fail(self, error: BaseException) -> None:
        """It cannot join."""
        if not self.is_over:
            self.left = self.is_caught = True
            self.forget_deadline()
            self._leave(self)
            self.caught.errback(Failure(error))

    def give_up(self, reason: str) -> None:
        """Answer it by what there is."""
        self.reason, self.given_up = self.reason or reason, True
        self.forget_deadline()

    def forget_deadline(self) -> None:
        deadline, self.deadline = self.deadline, None
        if deadline is not None:
            deadline.cancel()

    def next(self, tail: Tail, most: int, most_bytes: int) -> Next:
        """What is to be done. What it missed and cannot be given is in `reason`."""
        since = self.since
        if since is not None and not since.epoch:
            self.reason = self.reason or EPOCH
        if since is None or self.reason:
            return self._newest(tail, most, most_bytes)
        if since.epoch in tail.bridges:
            since = self.since = tail.bridges[since.epoch].of(since) or since
        if since.epoch != tail.epoch or since.offset > tail.top:
            return Next(Step.WAIT if self.proven == (tail, tail.generation) else Step.ASK)
        if tail.top - since.offset > most or since.offset < tail.far:
            self.reason = TOO_MANY
        elif since.offset < tail.floor:
            self.reason = TRIMMED
        elif since.offset < tail.hole > tail.base:
            self.reason = GAP
        elif since.offset < tail.base:
            return Next(Step.READ, since.offset)
        elif tail.size(since.offset) <= most_bytes:
            return Next(Step.ANSWER, since.offset)
        else:
            self.reason = TOO_MANY
        return self._newest(tail, most, most_bytes)

    def _newest(self, tail: Tail, most: int, most_bytes: int) -> Next:
        wanted = min(self.last or 0, most)
        offset, found = tail.newest(wanted, most_bytes)
        oldest = max(tail.floor, tail.far)
        if self.given_up or found == wanted or offset > tail.base or tail.base <= oldest or len(tail.entries) >= most:
            return Next(Step.ANSWER, offset)
        return Next(Step.READ, max(tail.base - (wanted - found), oldest))


def _check(since: object, last: object) -> None:
    if isinstance(since, Position):
        since.checked()
    elif since is not None:
        raise TypeError(f"since is a Position, not {type(since).__name__}")
    if last is None:
        return
    if not isinstance(last, int) or isinstance(last, bool):
        raise TypeError(f"last is a number, not {type(last).__name__}")
    if last < 0:
        raise ValueError("last is 0 or more")

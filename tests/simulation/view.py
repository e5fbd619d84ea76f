"""What one node has of storage in memory that several share.

It is `storage_objects.memory`, with what is shared in place of its own. What it is asked is done and answered in the
order of asking; what is published arrives in the order of publishing. Both may take time, fail, or be cut
off. What a node holds is held under a lease.
"""

import functools
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.python.failure import Failure

from filtered_websocket.errors import StorageAway
from filtered_websocket.messages.publication import Position, Publication
from filtered_websocket.storage_objects.base import Consumer, Keep
from filtered_websocket.storage_objects.memory import Ear, StorageObject
from tests.simulation.channels import CHANNELS
from tests.simulation.clock import NodeClock
from tests.simulation.reach import LEASE_SECONDS, Reach
from tests.simulation.shared_memory import Held, SharedMemory

ASKED = (
    "get", "add", "remove", "put", "fields", "delete", "store", "load", "take", "publish", "listen", "listen_to_all",
    "read", "send", "track", "count", "occupied", "since", "latest", "clear", "position", "join", "leave", "members",
    "member", "member_count",
)  # fmt: skip


class View(Reach):
    """What one node has of it."""

    def __init__(self, shared: SharedMemory, clock: NodeClock) -> None:
        super().__init__(shared, clock)
        self._timer: Any = None
        self._holds: dict[tuple[str, str, str], str] = {}
        self._counts_here: dict[str, int] = {}
        self._to_leave: list[tuple[str, str, str]] = []
        # What was let go without an answer, with what was said of it: others have not been told.
        self._untold: dict[tuple[str, str, str], str] = {}
        self._subscribing: dict[str, list[Deferred[Any]]] = {}

    @property
    def follows(self) -> list[str]:
        """The channels that it is subscribed to."""
        return [*self._subscribed, *self._subscribing]

    @property
    def holds(self) -> set[str]:
        """The members of clients that it holds."""
        return {member for channel, member, _ in self._holds if channel in CHANNELS}

    # When it is reached again.

    def _resume(self) -> None:
        self._beat_once()
        for channel, waiting in list(self._subscribing.items()):
            self._open(channel)
            for each in waiting:
                each.callback(self._subscribed[channel].last)
        self._subscribing.clear()
        if self._consumer is not None:
            self._consumer.ready_changed(True)
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            each.callback(None)
        self._catch_up()

    def _catch_up(self) -> None:
        for channel, ear in list(self._subscribed.items()):
            if self._consumer is None or channel in self._subscribing:
                continue
            if ear.last is None:
                ear.last = self._shared.histories.where(channel)
                self._consumer.gap(channel, ear.last)
                continue
            missed = self._shared.histories.since(channel, ear.last)
            for each in missed or ():
                self._hear(each, ear)
            if missed is None:
                ear.last = self._shared.histories.where(channel)
                self._consumer.gap(channel, ear.last)

    # Its lease.

    def _beat(self) -> None:
        if self._consumer is not None:
            if not self._away:
                self._beat_once()
                self._shared.sweep(self)
            self._timer = self._clock.callLater(LEASE_SECONDS / 8, self._beat)

    def _beat_once(self) -> None:
        now = self._shared.seconds()
        if self.swept or self.lease_ends <= now:
            self.swept = False
            self.lease_ends = now + LEASE_SECONDS * 2 / 3
            for (channel, member, holder), info in list(self._holds.items()):
                if self._shared.hold(channel, member, holder, Held(info, self)) and self._consumer is not None:
                    self._consumer.member_returned(channel, member, info)
            for channel, count in self._counts_here.items():
                self._shared.track(self, channel, count)
        self.lease_ends = now + LEASE_SECONDS * 2 / 3
        self._make_good()

    def _make_good(self) -> None:
        to_leave, self._to_leave = self._to_leave, []
        for entry in to_leave:
            channel, member, holder = entry
            held = self._shared.presence.get(channel, {}).get(member, {}).get(holder)
            if held is not None and entry not in self._holds and self._shared.let_go(*entry):
                self._untold[entry] = held.info
        untold, self._untold = self._untold, {}
        for (channel, member, _), info in untold.items():
            if self._consumer is not None:
                self._consumer.member_left(channel, member, info)

    # What the server asks.

    def start(self, consumer: Consumer) -> Deferred[None]:
        self._consumer = consumer
        self._beat()
        return succeed(None)

    def stop(self) -> Deferred[None]:
        self._consumer = None
        if self._timer.active():
            self._timer.cancel()
        self._cut_lines()
        self.lease_ends = 0.0
        self._shared.forget(self)
        return succeed(None)

    def send(self, publication: Publication, keep: Keep | None = None, once: str | None = None) -> Deferred[Any]:
        if keep is None:
            position = None
        else:
            before = None if once is None else self._shared.histories.find(publication.channel, once)
            if before is not None:
                return succeed(before)
            position = self._shared.histories.append(publication, keep, once)
        for each in self._shared.views:
            each.arrives(publication)
        return succeed(position)

    def publish(self, channel: str, data: str | bytes) -> Deferred[None]:
        for each in self._shared.views:
            each.bus_arrives(channel, data)
        return succeed(None)

    # What arrives.

    def arrives(self, publication: Publication) -> None:
        ear = self._subscribed.get(publication.channel)
        if ear is not None and self._hears:
            # One that is opened later hears nothing of before.
            self._arrivals.put(lambda: self._hear(publication, ear))

    def bus_arrives(self, channel: str, data: str | bytes) -> None:
        if self._hears:
            self._arrivals.put(lambda: StorageObject.publish(self, channel, data))

    def _hear(self, publication: Publication, by: Ear) -> None:
        """What an ear has heard already is not heard again; a hole is filled, or told."""
        ear, position, consumer = self._subscribed.get(publication.channel), publication.position, self._consumer
        if ear is not by or consumer is None:
            return
        if position is None:
            consumer.consume(publication)
            return
        last = ear.last
        if last is not None and last.epoch == position.epoch:
            if position.offset <= last.offset:
                return
            is_next = position.offset == last.offset + 1
        else:
            known = self._shared.histories.where(publication.channel)
            if known is None or known.epoch != position.epoch:
                return  # of a history that is gone
            is_next = last is None and position.offset == 1
        if not is_next:
            missed = None if last is None else self._shared.histories.since(publication.channel, last)
            if missed:
                for each in missed:
                    ear.last = each.position
                    consumer.consume(each)
                return
            consumer.gap(publication.channel, position._replace(offset=position.offset - 1))
        ear.last = position
        consumer.consume(publication)

    def subscribe(self, channel: str) -> Deferred[Position | None]:
        if self._away:
            waiting: Deferred[Position | None] = Deferred()
            self._subscribing.setdefault(channel, []).append(waiting)
            return waiting
        return self.ask(lambda: self._open(channel))

    def _open(self, channel: str) -> Position | None:
        StorageObject.subscribe(self, channel)
        return self._subscribed[channel].last

    def unsubscribe(self, channel: str) -> Deferred[None]:
        for each in self._subscribing.pop(channel, ()):
            each.errback(StorageAway(f"{channel} was left before it was confirmed"))
        return super().unsubscribe(channel)

    # What is held.

    def join(self, channel: str, member: str, holder: str, info: str = "") -> Deferred[bool]:
        self._make_good()  # one that comes again has left first
        self._holds[channel, member, holder] = info
        return succeed(self._shared.hold(channel, member, holder, Held(info, self)))

    def _let_go(self, entry: tuple[str, str, str], info: str) -> Deferred[Any]:
        was_last: list[bool] = []

        def let_go() -> bool:
            was_last.append(self._shared.let_go(*entry))
            return was_last[0]

        def unanswered(failure: Failure) -> Failure:
            if was_last == [True]:
                self._untold[entry] = info
            return failure

        return self.ask(let_go).addErrback(unanswered)

    def leave(self, channel: str, member: str, holder: str) -> Deferred[bool]:
        return succeed(self._shared.let_go(channel, member, holder))

    def track(self, channel: str, count: int) -> Deferred[int]:
        return succeed(self._shared.track(self, channel, count))

    def members(self, channel: str) -> Deferred[dict[str, str]]:
        members = self._shared.presence.get(channel, {})
        return succeed({member: next(reversed(of.values())).info for member, of in members.items()})

    def member(self, channel: str, member: str) -> Deferred[str | None]:
        return self.members(channel).addCallback(lambda found: found.get(member))

    def member_count(self, channel: str) -> Deferred[int]:
        return self.members(channel).addCallback(len)

    def count(self, channel: str) -> Deferred[int]:
        return succeed(sum(self._shared.counts.get(channel, {}).values()))

    def occupied(self, prefix: str = "") -> Deferred[dict[str, int]]:
        return succeed({name: sum(of.values()) for name, of in self._shared.counts.items() if name.startswith(prefix)})


def _asked(name: str) -> Callable[..., Any]:
    real = getattr(View, name)

    @functools.wraps(real)
    def ask(self: View, *arguments: Any, **named: Any) -> Any:
        if name == "leave":
            # Before a lease that has ended begins again: what others have let go does not return.
            info = self._holds.pop(arguments, None)
            if self._away:
                self._to_leave.append(arguments)
            elif info is not None:
                return self._let_go(arguments, info)
        elif name == "track":
            self._counts_here[arguments[0]] = arguments[1]
        return self.ask(lambda: real(self, *arguments, **named))

    return ask


for _name in ASKED:
    setattr(View, _name, _asked(_name))

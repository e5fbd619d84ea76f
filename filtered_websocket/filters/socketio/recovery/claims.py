"""Clients that come: those that say what they were go on with that, or begin anew."""

import secrets
from collections.abc import Mapping
from math import inf
from typing import Any, NamedTuple

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from filtered_websocket.chain.clock import Clock
from filtered_websocket.chain.interfaces import Pipeline
from filtered_websocket.errors import StorageAway
from filtered_websocket.filters.socketio.recovery.foreign import Foreign
from filtered_websocket.filters.socketio.recovery.log import Log
from filtered_websocket.filters.socketio.recovery.options import RecoveryOptions
from filtered_websocket.filters.socketio.recovery.record import Record
from filtered_websocket.filters.socketio.recovery.records import Records
from filtered_websocket.filters.socketio.recovery.restore import Limits, Missed, Refusal, check, place_of, walk
from filtered_websocket.filters.socketio.recovery.standing import Client, Standing
from filtered_websocket.filters.socketio.recovery.window import Window
from filtered_websocket.messages import strict_json
from filtered_websocket.messages.message import Message

MAX_PID = 64
"""Characters of what a client may say that its pid is."""
AWAY_SECONDS = 10.0
"""How long a client that comes back waits for a storage object that is away."""
AGAIN_SECONDS = 0.1
"""After how long it is asked again."""
MOST_EVENTS, MOST_BYTES = 10**9, 10**12
"""A client that moves misses little, and has no other way to it."""


class Claim(NamedTuple):
    """An earlier session, which is this node's now.

    :ivar rooms: those that it would be in now
    """

    pid: str
    record: Record
    place: int
    rooms: frozenset[str]


class Resumed(NamedTuple):
    """A client that goes on.

    :ivar events: what it has missed, each with its attachments
    """

    standing: Standing
    events: list[tuple[Message, ...]]


class Claims:
    """The part of `Recovery` that knows what a client was.

    :ivar foreign: None where no other program can speak
    """

    log: Log
    foreign: Foreign | None

    def __init__(self, pipeline: Pipeline, pack: str, node: str, window: Window) -> None:
        self._pipeline, self._pack, self._node, self.window = pipeline, pack, node, window
        self._options = RecoveryOptions(pipeline, pack)
        self._displaced = f"{pipeline.prefix}{pack}::recovery::"
        self.records = Records(pipeline, pack, node, window, lambda: self._options.seconds)

    def _stand(self, pid: str, record: Record, client: Client, former: str = "") -> Standing:
        return Standing(pid, record, client, self.records, former)

    async def claim(self, pid: object, offset: object, rooms: int) -> Claim | Refusal:
        """A client that comes back says what it was.

        :param rooms: most that it may be in
        """
        if not isinstance(pid, str) or len(pid) > MAX_PID:
            return Refusal("no pid")
        if not isinstance(offset, str | None):
            offset = "?"  # as one that is no offset: the record is taken, and deleted
        try:
            claimed = await self._claim(pid, offset, rooms)
        except StorageAway:
            return Refusal("storage away")
        except ValueError:
            claimed = Refusal("malformed")
        if isinstance(claimed, Refusal) and claimed.reason != "no record":
            self.records.delete(pid)
        return claimed

    async def _claim(self, pid: str, offset: str | None, rooms: int) -> Claim | Refusal:
        found = await self._take(pid)
        if found is None:
            return Refusal("no record")
        record, former = found
        if former != self._node and self.foreign is not None:
            told = self._pipeline.storage_object.publish(
                self._displaced + former, strict_json.dumps(self.records.key(pid))
            )
            self._pipeline.server.counters.watch(told, self._pack)
        settled = None if self.foreign is None else self.foreign.settled()
        if settled is not None and not await settled:
            return Refusal("behind")
        await self.log.learn(record.epoch)
        if self._end_of(record) is None:
            return Refusal("epoch")
        place = place_of(record, offset, self.window)
        if isinstance(place, Refusal):
            return place
        await self.log.reached(max(place, record.at))
        draft = record.copy()
        missed = self._missed(draft, place, rooms)
        return missed if isinstance(missed, Refusal) else Claim(pid, record, place, frozenset(draft.rooms))

    async def _take(self, pid: str) -> tuple[Record, str] | None:
        """While the storage object is away it is waited for: a client that begins anew has lost what it missed.

        :raises StorageAway: it is away for longer
        """
        clock, storage = self._pipeline.server.reactor, self._pipeline.storage_object
        deadline = clock.seconds() + AWAY_SECONDS
        while True:
            try:
                return await self.records.take(pid)
            except StorageAway:
                left = deadline - clock.seconds()
                if left <= 0:
                    raise
                await deferLater(clock, AGAIN_SECONDS)
                await _within(storage.wait_ready(), left, clock)

    def _end_of(self, record: Record) -> float | None:
        """Make a record one of the present epoch: up to where its places are places of that; None: it cannot be."""
        window = self.window
        if not window.epoch:
            return None
        if record.epoch == window.epoch:
            return inf
        end = window.bridges.get(record.epoch)
        if end is not None:
            record.bridge(window.epoch, end)
        return end

    def _missed(self, record: Record, place: int, rooms: int) -> Missed | Refusal:
        refusal = check(record, place, self.window)
        if refusal is not None:
            return refusal
        return walk(record, place, self.window, Limits(self._options.events, self._options.bytes, rooms))

    def resume(self, claim: Claim, rooms: int, client: Client) -> Resumed | Refusal:
        """The client goes on: it is sent in this turn what it has missed, and hears what follows.

        :param rooms: most that it may be in
        :returns: refused: it begins anew after all
        """
        end = self._end_of(claim.record)
        if end is None:
            return self._refused(claim, "epoch")
        missed = self._missed(claim.record, int(min(claim.place, end)), rooms)
        if isinstance(missed, Refusal):
            return self._refused(claim, missed.reason)
        return Resumed(self._stand(claim.pid, claim.record, client), missed.events)

    def drop(self, claim: Claim) -> None:
        """The client is not to go on: nobody is."""
        self.records.delete(claim.pid)

    def _refused(self, claim: Claim, reason: str) -> Refusal:
        self.drop(claim)
        return Refusal(reason)

    async def catch_up(self, state: Mapping[str, Any], rooms: int, client: Client) -> Resumed | Refusal:
        """A client comes from another transport, of another node maybe: what it has missed on the way.

        :param state: what `Standing.hand_over` gave
        :returns: refused: nobody knows what it has missed
        """
        record = Record.decode(state["record"])
        await self.log.learn(record.epoch)
        if self._end_of(record) is None:
            return Refusal("epoch")
        await self.log.reached(record.at)
        refusal = check(record, record.at, self.window)
        missed = refusal or walk(record, record.at, self.window, Limits(MOST_EVENTS, MOST_BYTES, rooms))
        if isinstance(missed, Refusal):
            return missed
        return Resumed(self._stand(state["pid"], record, client, state["node"]), missed.events)

    def count(self, outcome: Refusal | None) -> None:
        """A client has come with a pid.

        :param outcome: None: it has gone on
        """
        counters = self._pipeline.server.counters
        if outcome is None:
            counters.count("recovered", self._pack)
        else:
            counters.count("not recovered", f"{self._pack}: {outcome.reason}")


def _within(waited: Deferred[Any], seconds: float, clock: Clock) -> Deferred[None]:
    """Fires when this has fired, however, or when the time is over."""
    answer: Deferred[None] = Deferred()
    timer = clock.callLater(seconds, answer.callback, None)

    def over(_: Any) -> None:
        if timer.active():
            timer.cancel()
            answer.callback(None)

    waited.addBoth(over)
    return answer


def new_pid() -> str:
    """A pid, the key to a session."""
    return secrets.token_urlsafe(15)

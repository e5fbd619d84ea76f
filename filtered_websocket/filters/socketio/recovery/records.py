"""The records of this node's sessions, and their copies in storage, which outlive the node.

A copy lies under the digest of its pid, belongs to one node, and goes by itself when its client may not come back any
more. It is written when the session begins, when its rooms change (once a turn), every minute, and when the transport
ends. Only the node that owns it writes it: one that finds that another does has lost the session. Where storage ends
with the process, a copy is made in the end alone.
"""

import hashlib
from collections.abc import Callable
from math import inf
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from filtered_websocket.chain.interfaces import DelayedCall, Pipeline
from filtered_websocket.errors import StorageAway
from filtered_websocket.filters.socketio.recovery.kept import Kept
from filtered_websocket.filters.socketio.recovery.record import Record
from filtered_websocket.filters.socketio.recovery.window import Window

WRITE_SECONDS = 60.0
"""How old what a copy says of a session may be."""
SPARE_SECONDS = 10.0
"""How late that may be."""
KEPT_SECONDS = WRITE_SECONDS + SPARE_SECONDS
"""How much longer the log keeps what it has than a client may be away."""


class Records:
    """
    :param pack: what the keys begin with
    :param node: the name of this one
    :param window: of this node, by which records tell how far a client is
    :param seconds: how long a client may be away, now
    """

    def __init__(self, pipeline: Pipeline, pack: str, node: str, window: Window, seconds: Callable[[], float]) -> None:
        self._storage, self._server = pipeline.storage_object, pipeline.server
        self._pack, self.node, self.window, self._seconds = pack, node, window, seconds
        self._outlive = self._storage.durable or self._storage.shared
        self._live: dict[str, Kept] = {}
        self._changed: dict[str, Kept] = {}
        # What was not written in the end, since storage was away; None: it was to be deleted.
        self._undone: dict[str, Kept | None] = {}
        self._timer: DelayedCall | None = None
        self._accounts_at = 0.0

    def key(self, pid: str) -> str:
        """Where the copy lies of a session."""
        return f"{self._pack}::session::{hashlib.sha256(pid.encode('utf-8', 'surrogatepass')).hexdigest()[:40]}"

    # Sessions of this node.

    def keep(
        self,
        pid: str,
        record: Record,
        displaced: Callable[[], object],
        values: Callable[[], dict[str, Any]] = dict,
        former: str = "",
    ) -> Kept:
        """A session is here now.

        :param displaced: called when another node has it, or another connection of this one
        :param values: gives what is to be kept with it, in JSON
        :param former: the node that has handed it over
        """
        key = self.key(pid)
        if key in self._live:
            # Two connections have said this pid at once: the one that is let in last has the session.
            self.lose(key)
        kept = self._live[key] = Kept(key, record, displaced, values, ("", self.node, *filter(None, (former,))))
        self.changed(kept)
        if self._timer is None:
            self._timer = self._server.reactor.callLater(1.0, self._refresh)
        return kept

    def changed(self, kept: Kept) -> None:
        """Its rooms have."""
        if kept.ended or not self._outlive:
            return
        if not self._changed:
            self._server.at_turn_end(self._write_changed)
        self._changed[kept.key] = kept
        if kept.scheduled is None:
            kept.scheduled = []

    def settled(self, kept: Kept) -> Deferred[None] | None:
        """Fires when the copy says what the record says now; None if it does."""
        waiting = kept.scheduled if kept.scheduled is not None else kept.under_way
        if waiting is kept.under_way and not waiting:
            return None
        answer: Deferred[None] = Deferred(lambda _: None)
        waiting.append(answer)
        return answer

    def end(self, kept: Kept, final: bool) -> None:
        """Its transport has ended; finally: it cannot come back."""
        if kept.ended:
            return
        self._forget(kept)
        if final:
            self._delete(kept.key)
            return
        self._look(kept)
        stored = self._store(kept, self._seconds())
        if self._outlive:
            # It is what the others know: this server's end waits until it is written.
            self._server.owe(stored)

    def hand_over(self, kept: Kept) -> None:
        """It goes on elsewhere."""
        if not kept.ended:
            self._forget(kept)

    def _forget(self, kept: Kept) -> None:
        kept.ended = True
        if self._live.get(kept.key) is kept:
            del self._live[kept.key]
        self._changed.pop(kept.key, None)
        waiting, kept.scheduled = kept.scheduled or [], None
        for each in waiting:
            each.callback(None)

    def give_up(self) -> None:
        """Events were lost for this node: none of its sessions can go on as if nothing were."""
        for kept in tuple(self._live.values()):
            self._forget(kept)
            self._delete(kept.key)
            kept.displaced()

    def lose(self, key: str) -> None:
        """Another node has a session that was here."""
        kept = self._live.get(key)
        if kept is not None:
            self._forget(kept)
            kept.displaced()

    def _look(self, kept: Kept) -> None:
        kept.record.look(self.window)
        kept.record.values = kept.values()

    def bridge(self, epoch: str, end: int) -> None:
        """The log goes on in another epoch."""
        for kept in self._live.values():
            kept.record.bridge(epoch, end)

    # Copies.

    async def take(self, pid: str) -> tuple[Record, str] | None:
        """Have the record of a session, which is this node's from now on.

        :returns: it, and the node that had it; None if there is none
        :raises StorageAway: nothing is known
        :raises ValueError: it is none
        """
        key = self.key(pid)
        kept = self._live.get(key)
        if kept is not None:
            self._forget(kept)
            self._look(kept)
            kept.displaced()
            return kept.record, self.node
        found = await self._storage.take(key, self.node)
        undone = self._undone.pop(key, None) if found is None or found.owner == self.node else None
        if found is None:
            return None
        return (Record.decode(found.value) if undone is None else undone.record), found.owner

    def delete(self, pid: str) -> None:
        """It is not to be had any more."""
        self._delete(self.key(pid))

    def _delete(self, key: str) -> None:
        gone = self._storage.store(key, None, 1.0, self.node, only_if=(self.node,))
        gone.addErrback(self._not_done, key, None)

    def _store(self, kept: Kept, seconds: float) -> Deferred[Any]:
        kept.written = self._server.reactor.seconds()
        stored = self._storage.store(kept.key, kept.record.encode(), seconds, self.node, only_if=kept.owners)
        return stored.addCallbacks(self._stored, self._not_stored, callbackArgs=(kept,), errbackArgs=(kept,))

    def _stored(self, done: bool, kept: Kept) -> None:
        if not done and not kept.ended:
            self._forget(kept)
            kept.displaced()

    def _not_stored(self, failure: Failure, kept: Kept) -> None:
        if kept.ended:
            self._not_done(failure, kept.key, kept)
            return
        failure.trap(StorageAway)
        self._count_away()
        kept.written = -inf  # it is due

    def _not_done(self, failure: Failure, key: str, kept: Kept | None) -> None:
        failure.trap(StorageAway)
        self._count_away()
        self._undone[key] = kept

    def _count_away(self) -> None:
        self._server.counters.count("dropped", f"{self._pack}: record, while the storage object is away")

    def _do_undone(self) -> None:
        undone, self._undone = self._undone, {}
        for key, kept in undone.items():
            if kept is None:
                self._delete(key)
            else:
                kept.owners = (self.node,)  # another node may have had it meanwhile
                self._store(kept, self._seconds())

    def _write_changed(self) -> None:
        changed, self._changed = self._changed, {}
        for kept in changed.values():
            self._look(kept)
            waiting, kept.scheduled = kept.scheduled or [], None
            kept.under_way += waiting
            self._store(kept, self._seconds() + KEPT_SECONDS).addCallback(self._written, kept, waiting)

    def _written(self, _: Any, kept: Kept, waiting: list[Deferred[None]]) -> None:
        kept.under_way = [each for each in kept.under_way if each not in waiting]
        for each in waiting:
            each.callback(None)

    def _refresh(self) -> None:
        """Every second those that are due."""
        server = self._server
        self._timer = server.reactor.callLater(1.0, self._refresh)
        due = server.reactor.seconds() - WRITE_SECONDS
        for kept in [each for each in self._live.values() if each.written <= due]:
            if not self._outlive:
                kept.record.look(self.window)
                kept.written = server.reactor.seconds()
            elif self._storage.ready:
                self._look(kept)
                self._store(kept, self._seconds() + KEPT_SECONDS)
        if self._undone and self._storage.ready:
            self._do_undone()
        self.window.trim()
        if server.reactor.seconds() >= self._accounts_at:
            self._accounts_at = server.reactor.seconds() + WRITE_SECONDS
            self.window.account(min((each.record.at for each in self._live.values()), default=self.window.top))

    def stop(self) -> None:
        """Nothing is due any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

"""The records of this node's sessions, and their copies in storage, which outlive the node.

A copy lies under the digest of its pid, belongs to one node, and goes by itself when its client may not come back any
more. It is written when the session begins, when its rooms change (once a turn), every minute, and when the transport
ends. Only the node that owns it writes it: one that finds that another does has lost the session. Where storage ends
with the process, a copy is made in the end alone.
"""

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred

from filtered_websocket.chain.clock import DelayedCall
from filtered_websocket.chain.interfaces import Pipeline
from filtered_websocket.filters.socketio.recovery.copies import Copies
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
        self.node, self.window, self._seconds = node, window, seconds
        self._copies = Copies(pipeline, pack, node, self._lost, lambda: self._seconds() + KEPT_SECONDS)
        self._live: dict[str, Kept] = {}
        self._changed: dict[str, Kept] = {}
        self._timer: DelayedCall | None = None
        self._accounts_at = 0.0

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
        if kept.ended or not self._copies.outlive:
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
        answer: Deferred[None] = Deferred()
        waiting.append(answer)
        return answer

    def end(self, kept: Kept, final: bool) -> None:
        """Its transport has ended; finally: it cannot come back."""
        if kept.ended:
            return
        self._forget(kept)
        if final:
            self._copies.delete(kept.key)
            return
        self._look(kept)
        stored = self._copies.store(kept, self._seconds())
        if self._copies.outlive:
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
            self._copies.delete(kept.key)
            kept.displaced()

    def lose(self, key: str) -> None:
        """Another node has a session that was here."""
        kept = self._live.get(key)
        if kept is not None:
            self._lost(kept)

    def _lost(self, kept: Kept) -> None:
        if not kept.ended:
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
        return await self._copies.take(key)

    def delete(self, pid: str) -> None:
        """It is not to be had any more."""
        self._copies.delete(self.key(pid))

    def key(self, pid: str) -> str:
        """Where the copy lies of a session."""
        return self._copies.key(pid)

    def _write_changed(self) -> None:
        changed, self._changed = self._changed, {}
        for kept in changed.values():
            self._look(kept)
            waiting, kept.scheduled = kept.scheduled or [], None
            kept.under_way += waiting
            self._copies.store(kept, self._seconds() + KEPT_SECONDS).addCallback(self._written, kept, waiting)

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
            if not self._copies.outlive:
                kept.record.look(self.window)
                kept.written = server.reactor.seconds()
            elif self._storage.ready:
                self._look(kept)
                self._copies.store(kept, self._seconds() + KEPT_SECONDS)
        if self._storage.ready:
            self._copies.make_good(self._seconds())
        self.window.trim()
        if server.reactor.seconds() >= self._accounts_at:
            self._accounts_at = server.reactor.seconds() + WRITE_SECONDS
            self.window.account(min((each.record.at for each in self._live.values()), default=self.window.top))

    def stop(self) -> None:
        """Nothing is due any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

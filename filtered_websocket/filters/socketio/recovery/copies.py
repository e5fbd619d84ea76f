"""The copies of records in storage: each belongs to one node, and goes by itself after a time.

What cannot be written in the end of a session, since the storage object is away, is written when it is back.
"""

import hashlib
from collections.abc import Callable
from math import inf
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from filtered_websocket.chain.interfaces import Pipeline
from filtered_websocket.errors import StorageAway
from filtered_websocket.filters.socketio.recovery.kept import Kept
from filtered_websocket.filters.socketio.recovery.record import Record


class Copies:
    """
    :param pack: what the keys begin with
    :param node: the name of this one
    :param lost: called with a session that another node has
    :param seconds: how long a copy is kept at most
    :ivar outlive: whether they outlive this process
    """

    def __init__(
        self, pipeline: Pipeline, pack: str, node: str, lost: Callable[[Kept], object], seconds: Callable[[], float]
    ) -> None:
        self._storage, self._server = pipeline.storage_object, pipeline.server
        self._pack, self._node, self._lost, self._seconds = pack, node, lost, seconds
        self.outlive = self._storage.durable or self._storage.shared
        # What was not written in the end, since when; None: it was to be deleted.
        self._undone: dict[str, tuple[float, Kept | None]] = {}
        # What of that is tried again.
        self._again: dict[str, tuple[float, Kept | None]] = {}

    def key(self, pid: str) -> str:
        """Where the copy lies of a session."""
        return f"{self._pack}::session::{hashlib.sha256(pid.encode('utf-8', 'surrogatepass')).hexdigest()[:40]}"

    async def take(self, key: str) -> tuple[Record, str] | None:
        """Have a record, which is this node's from now on; it, and the node that had it. None if there is none.

        :raises StorageAway: nothing is known
        :raises ValueError: it is none
        """
        found = await self._storage.take(key, self._node)
        undone = self._undone.pop(key, None) if found is None or found.owner == self._node else None
        if found is None:
            return None
        if undone is None:
            return Record.decode(found.value), found.owner
        _, kept = undone
        if kept is None:
            self.delete(key)
            return None
        return kept.record, found.owner

    def delete(self, key: str) -> None:
        """The session is not to be had any more."""
        gone = self._storage.store(key, None, 1.0, self._node, only_if=(self._node,))
        gone.addErrback(self._not_done, key, None)

    def store(self, kept: Kept, seconds: float) -> Deferred[Any]:
        """Write what is known of a session now.

        :param seconds: how long it is kept
        """
        kept.written = self._server.reactor.seconds()
        stored = self._storage.store(kept.key, kept.record.encode(), seconds, self._node, only_if=kept.owners)
        return stored.addCallbacks(self._stored, self._not_stored, callbackArgs=(kept,), errbackArgs=(kept,))

    def _stored(self, done: bool, kept: Kept) -> None:
        if not done:
            self._lost(kept)

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
        now = self._server.reactor.seconds()
        since, _ = self._again.pop(key, None) or self._undone.pop(key, None) or (now, None)
        self._undone[key] = since, kept
        # A copy that was not written over for so long is gone by itself, and its client is away for too long.
        while self._undone and self._undone[oldest := next(iter(self._undone))][0] < now - self._seconds():
            del self._undone[oldest]

    def _count_away(self) -> None:
        self._server.counters.count("dropped", f"{self._pack}: record, while the storage object is away")

    def make_good(self, seconds: float) -> None:
        """The storage object is there: write what was not written.

        :param seconds: how long a client may be away
        """
        self._again, self._undone = self._undone, {}
        for key, (_, kept) in tuple(self._again.items()):
            if kept is None:
                self.delete(key)
            else:
                kept.owners = (self._node,)  # another node may have had it meanwhile
                self.store(kept, seconds)

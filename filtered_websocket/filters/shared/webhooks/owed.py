"""What hooks are owed and this process may not come to tell, kept where another one finds it.

It is a map of the storage object. The node that deletes a field is the only one to tell what was in it: of several that
try, one is told that it was there. Each record has an owner, a process that tells it when it is due. When that is long
past, or the owner has said that it stops, any other node tells it, or the next start.
"""

import json
import time
from collections.abc import Callable, Coroutine
from typing import Any
from uuid import uuid4

from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from filtered_websocket.chain.deferreds import start
from filtered_websocket.chain.interfaces import Server
from filtered_websocket.chain.storage import Storage
from filtered_websocket.errors import StorageAway
from filtered_websocket.filters.shared.endings import failed
from filtered_websocket.filters.shared.webhooks.destinations import Left, Webhooks

_log = Logger()

LOOK_SECONDS = 5.0
"""How often a node looks for what others have left."""
GRACE_SECONDS = 5.0
"""How long past its time a record is still its owner's to tell."""
KEEP_SECONDS = 1.0
"""How long the storage object has, at the end, to take what is left."""
BATCH = 50
"""Events of one record."""

Record = dict[str, Any]


class Owed:
    """What the hooks of one pack in one pipeline are owed.

    :param name: of the map
    :param tell: tells what a record that another process has left holds
    """

    def __init__(
        self, storage: Storage, name: str, server: Server, tell: Callable[[Record], Coroutine[Any, Any, None]]
    ):
        self._storage, self._name, self._server, self._tell = storage, name, server, tell
        self._looking = LoopingCall(self._look)
        self._looking.clock = self._reactor = server.reactor

    @property
    def shared(self) -> bool:
        """Whether other nodes see what is kept here, also when this one has stopped."""
        return bool(self._storage.shared and not self._server.storage_ends)

    @property
    def lasts(self) -> bool:
        """Whether what is kept here is found by others, or after this process."""
        return bool(self.shared or self._storage.durable)

    def start(self) -> None:
        """Tell what others have left, now and from time to time."""
        if self._storage.shared:
            self._looking.start(LOOK_SECONDS)
        elif self._storage.durable:
            self._look()

    def stop(self) -> None:
        """Take nothing more from others."""
        if self._looking.running:
            self._looking.stop()

    def keep(self, field: str, record: Record, seconds: float) -> Deferred[Any]:
        """Keep what its owner, this process, will tell after so many seconds."""
        # The one clock that processes share. It is looked at only when the owner did not do as it said.
        kept: Deferred[Any] = self._storage.put(self._name, field, json.dumps({**record, "due": time.time() + seconds}))
        return kept

    def claim(self, field: str) -> Deferred[bool]:
        """Take a record away; True if it was there: then no other process tells it."""
        claimed: Deferred[bool] = self._storage.delete(self._name, field)
        return claimed

    async def hand_over(self, left: list[Left], hooks: Webhooks) -> None:
        """Keep what was not told when the server stops, for another node or the next start; what cannot be is lost, and
        counted."""
        kept = 0
        begun: list[tuple[Left, Deferred[Any] | None]] = []
        for app, url, events in left:
            for at in range(0, len(events), BATCH):
                part = Left(app, url, events[at : at + BATCH])
                record = json.dumps({**part._asdict(), "due": 0})
                begun.append((part, self._storage.put(self._name, uuid4().hex, record) if self.lasts else None))
        ends = self._reactor.seconds() + KEEP_SECONDS
        for part, put in begun:
            try:
                if put is None:
                    raise StorageAway("nothing is kept")
                await put.addTimeout(max(ends - self._reactor.seconds(), 0), self._reactor)
                kept += len(part.events)
            except Exception:
                for _ in part.events:
                    hooks.dropped("the server stopped", part.app)
        if kept:
            _log.info("{count} events of web hooks are left to other nodes, or to the next start", count=kept)

    def _look(self) -> None:
        start(self._take()).addErrback(failed)

    async def _take(self) -> None:
        for field, raw in (await self._storage.fields(self._name)).items():
            try:
                record = json.loads(raw)
                overdue = record["due"] + (GRACE_SECONDS if record["due"] else 0) <= time.time()
            except (ValueError, TypeError, LookupError):
                overdue, record = True, None  # no node can tell it
            if overdue and await self.claim(field) and record is not None:
                await self._tell(record)

"""What a server of the testing kit has, when it has stopped, that it should have no more."""

from collections.abc import Iterator
from contextlib import ExitStack
from types import TracebackType
from typing import Any

from filtered_websocket.testing.real_time import LoopReactor
from filtered_websocket.testing.server import Server
from tests.support.ledger.deferreds import PendingDeferreds
from tests.support.ledger.on_purpose import on_purpose


class MemoryServers:
    """The books of all that are open.

    :ivar open: those that have begun and not ended
    """

    def __init__(self) -> None:
        self.open: set[object] = set()
        self._deferreds = PendingDeferreds()
        self._counted = ExitStack()

    def look_at_all(self) -> None:
        """Have each server of the kit, from now on, end with a look at what it leaves."""
        plain_enter, plain_exit, books = Server.__enter__, Server.__exit__, self

        def enter(self: Server) -> Server:
            books.opened(self)
            try:
                return plain_enter(self)
            except BaseException:
                books.closed(self)
                raise

        def leave(self: Server, kind: Any, error: BaseException | None, trace: TracebackType | None) -> None:
            pending: list[str] = []
            try:
                plain_exit(self, kind, error, trace)
            finally:
                pending = books.closed(self)
            if error is None:
                # Others that are open may have the same clock.
                timers = () if books.open else _timers(self)
                books.told(*timers, *left_by(self.server, self.storage_object), *pending)

        Server.__enter__, Server.__exit__ = enter, leave  # type: ignore[method-assign]

    def opened(self, server: object) -> None:
        """A server begins: with the first, Deferreds are counted."""
        if not self.open:
            self._deferreds = PendingDeferreds()
            self._counted.enter_context(self._deferreds.counted())
        self.open.add(server)

    def closed(self, server: object) -> list[str]:
        """A server has stopped: with the last of those that are open together, the Deferreds that they have left."""
        # A test may end one twice, or one that never began.
        if server not in self.open:
            return []
        self.open.remove(server)
        if self.open:
            return []
        self._counted.close()
        return self._deferreds.left()

    def told(self, *left: str) -> None:
        """
        :raises AssertionError: something is left that the test does not leave on purpose
        """
        if found := on_purpose.others(left):
            raise AssertionError("the server has left:\n" + "\n".join(found))

    def prune(self) -> None:
        """Hold no more memory than what is left takes."""
        self._deferreds.prune()


servers = MemoryServers()
"""Those of this process."""


def left_by(server: Any, storage: Any) -> list[str]:
    """What a server that has stopped has left in itself and in its storage object, named."""
    return [*_connections(server), *_storage(storage)]


def _timers(server: Server) -> Iterator[str]:
    if isinstance(server.reactor, LoopReactor):
        return  # its loop is that of all servers that are open
    for call in server.reactor.getDelayedCalls():
        delay = call.getTime() - server.reactor.seconds()
        yield f"a timer that is due in {delay:g} s: {getattr(call.func, '__qualname__', call.func)}"


def _connections(real: Any) -> Iterator[str]:
    for name in ("connections", "blocked", "_ending", "_owed"):
        for each in getattr(real, name):
            yield f"in the server's {name.strip('_')}: {each!r}"
    if real.countConnections:
        yield f"connections are counted still: {real.countConnections}"
    for site in real.sites:
        for each in site.connections:
            yield f"an HTTP connection: {each!r}"
    for each in real.observation._watches:
        yield f"a connection is looked at: {each!r}"
    for slot in real.heartbeat._slots:
        for each in slot:
            yield f"the heartbeat pings {each!r}"
    for pipeline in real.pipelines:
        for name, user in pipeline.users.items():
            yield f"a user: {name} {user!r}"
        for name, channel in pipeline.hub.channels.items():
            yield f"a channel of the hub: {name} with {len(channel.subscribers)} subscribers"
        for each in pipeline.hub.dirty:
            yield f"something waits for the turn's end in {each!r}"


def _storage(storage: Any) -> Iterator[str]:
    if storage.shared:
        return  # other nodes go on with it
    for name in getattr(storage, "_subscribed", ()):
        yield f"the storage object is subscribed to {name}"
    for channel, members in getattr(storage, "_presence", {}).items():
        for member in members:
            yield f"the storage object holds a member of {channel}: {member}"
    for channel, count in getattr(storage, "_counts", {}).items():
        yield f"the storage object counts {count} subscribers of {channel}"

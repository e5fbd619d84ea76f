"""The server of this package in this process, on a real port, with filters that a test defines.

with serving(Echo, ping_interval=1) as served:
    client = served.open()
"""

import itertools
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from filtered_websocket.config import Configuration
from filtered_websocket.filters.base import FilterMeta
from filtered_websocket.listening import listen
from filtered_websocket.server import DECLARED, Server
from filtered_websocket.storage_objects.memory import StorageObject
from filtered_websocket.tls import Certificate
from tests.end_to_end.raw_client import RawClient
from tests.reactor_thread import call, until

_numbers = itertools.count()


def module_of(*filters: FilterMeta) -> str:
    """A new filter module that holds these classes; its name."""
    name = f"filters_of_a_test_{next(_numbers)}"
    sys.modules[name] = ModuleType(name)
    for each in filters:
        each.__module__ = name
    return name


class Served:
    """A server that runs, and its clients."""

    def __init__(self, server: Server, port: Any) -> None:
        self.server = server
        self.address = ("127.0.0.1", port.getHost().port)

    def client(self, receive_buffer: int = 0) -> RawClient:
        return RawClient(self.address, self.server.is_secure, receive_buffer)

    def open(self, path: str = "/", headers: Any = ()) -> RawClient:
        return self.client().open(path, headers)

    @property
    def users(self) -> dict[str, Any]:
        return self.server.pipelines[0].users

    def connection(self) -> Any:
        """The one open connection."""
        return call(lambda: next(iter(self.users.values())))

    def counted(self, what: str, reason: str) -> int:
        return call(lambda: self.server.counters.totals[what, reason])

    def until_counted(self, what: str, reason: str, times: int = 1) -> None:
        until(lambda: self.server.counters.totals[what, reason] >= times)
        assert self.counted(what, reason) == times

    def until_empty(self) -> None:
        """Wait until the server knows of no connection any more, and none of their disconnect chains runs."""
        until(lambda: self.server.countConnections == 0 and not self.users and not self.server._ending)
        assert call(lambda: (self.server.connections, self.server.blocked)) == (set(), set())


@contextmanager
def serving(*filters: FilterMeta, **options: Any) -> Iterator[Served]:
    """A server with one pipeline of these filters.

    :param options: as on the command line; with ``key`` and ``cert`` it speaks TLS
    """
    words = [word for name, value in options.items() for word in (f"--{name}", str(value)) if value is not True]
    words += [f"--{name}" for name, value in options.items() if value is True]
    words = [{"--key": "-key", "--cert": "-cert"}.get(word, word) for word in words]
    given = Configuration(["-f", module_of(*filters), *words], {})
    for owner, declared in DECLARED:
        given.declare(declared, owner)
    resolved = given.resolve()

    async def begin() -> Served:
        from twisted.internet import reactor

        server = Server(resolved, StorageObject(resolved), reactor)
        await server.start()
        factory: Any = Certificate(resolved.key, resolved.cert).wrap(server) if server.is_secure else server
        port = listen(factory, "127.0.0.1", 0, 50, reactor)
        served = Served(server, port)
        served.port = port  # type: ignore[attr-defined]
        return served

    async def end() -> None:
        await served.port.stopListening()  # type: ignore[attr-defined]
        await served.server.stop()

    served = call(begin)
    try:
        yield served
    finally:
        call(end)

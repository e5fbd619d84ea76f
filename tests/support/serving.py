"""The server of this package in this process, on a real port, with filters that a test defines.

with serving(Echo, ping_interval=1) as served:
    client = served.open()
"""

import itertools
import queue
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import ModuleType
from typing import Any

from twisted.internet.task import deferLater
from twisted.logger import LogEvent, formatEvent, globalLogPublisher

from filtered_websocket.config import Configuration
from filtered_websocket.filters.base import (
    FilterMeta,
    WebSocketConnectFilter,
    WebSocketDataFilter,
    WebSocketDisconnectFilter,
    WebSocketMessageFilter,
)
from filtered_websocket.server import Server
from filtered_websocket.server.options import DECLARED
from filtered_websocket.storage_objects.memory import StorageObject
from filtered_websocket.transport.certificate import Certificate
from filtered_websocket.transport.listening import listen
from tests.support.ledger.memory_server import left_by, servers
from tests.support.ledger.on_purpose import on_purpose
from tests.support.raw_client import DEADLINE, RawClient, Response
from tests.support.reactor_thread import call, until

_numbers = itertools.count()


def module_of(*filters: FilterMeta) -> str:
    """A new filter module that holds these classes; its name."""
    name = f"filters_of_a_test_{next(_numbers)}"
    sys.modules[name] = ModuleType(name)
    for each in filters:
        each.__module__ = name
    return name


class Events:
    """What happened, told by filters from the reactor's thread."""

    def __init__(self) -> None:
        self._queue: queue.Queue[Any] = queue.Queue()
        self.tell = self._queue.put

    def next(self) -> Any:
        return self._queue.get(timeout=DEADLINE)

    def none_is_left(self) -> bool:
        return self._queue.empty()


def on_message(function: Any) -> FilterMeta:
    """A message filter made of a function."""
    return FilterMeta(f"OnMessage{next(_numbers)}", (WebSocketMessageFilter,), {"filter": staticmethod(function)})


def on_data(function: Any) -> FilterMeta:
    """A data filter made of a function."""
    return FilterMeta(f"OnData{next(_numbers)}", (WebSocketDataFilter,), {"filter": staticmethod(function)})


def echo(connection: Any, data: bytearray) -> None:
    """For `on_message`: what came is the answer."""
    connection.sendMessage(data)


def pairing(events: Events) -> tuple[FilterMeta, FilterMeta]:
    """Filters that tell of connect and disconnect."""

    class Opened(WebSocketConnectFilter):
        @classmethod
        def filter(cls, connection: Any, data: None) -> None:
            events.tell("open")

    class Ended(WebSocketDisconnectFilter):
        @classmethod
        def filter(cls, connection: Any, data: None) -> None:
            assert connection.id not in connection.users
            events.tell((connection.close_code, connection.close_reason))

    return Opened, Ended


def a_turn() -> Any:
    from twisted.internet import reactor

    return deferLater(reactor, 0, lambda: None)


@contextmanager
def logged() -> Iterator[list[str]]:
    """What the log is told meanwhile."""
    lines: list[str] = []

    def observe(event: LogEvent) -> None:
        lines.append(formatEvent(event) + "\n")

    globalLogPublisher.addObserver(observe)
    try:
        yield lines
    finally:
        globalLogPublisher.removeObserver(observe)


class Served:
    """A server that runs, and its clients."""

    def __init__(self, server: Server, port: Any) -> None:
        self.server = server
        self.port = port
        self._clients: list[RawClient] = []
        self.address = ("127.0.0.1", port.getHost().port)

    def client(self, receive_buffer: int = 0) -> RawClient:
        self._clients.append(RawClient(self.address, self.server.is_secure, receive_buffer))
        return self._clients[-1]

    def close_clients(self) -> None:
        for client in self._clients:
            client.socket.close()

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


def refused(client: RawClient) -> Response:
    """A complete HTTP response, and the end."""
    response = client.response()
    body = client.body()
    assert response.header("Content-Length") == [str(len(body))]
    assert response.header("Connection") == ["close"]
    return response


def is_waiting(served: Served) -> bool:
    """Whether a filter of a connection is awaited."""
    return any(each.waits for each in served.users.values())


@contextmanager
def serving(*filters: FilterMeta, **options: Any) -> Iterator[Served]:
    """A server with one pipeline of these filters.

    :param options: as on the command line; with ``key`` and ``cert`` it speaks TLS
    """
    words = []
    for name, value in options.items():
        words += [f"--{name}", *([] if value is True else map(str, value if isinstance(value, list) else [value]))]
    words = [{"--key": "-key", "--cert": "-cert"}.get(word, word) for word in words]
    given = Configuration(["-f", module_of(*filters), *words], {})
    for owner, declared in DECLARED:
        given.declare(declared, owner)
    resolved = given.resolve()

    async def begin() -> Served:
        from twisted.internet import reactor

        server = Server(resolved, StorageObject(resolved), reactor)
        await server.start()
        factory: Any = (
            Certificate(resolved.key, resolved.cert).wrap(server, server.certificates) if server.is_secure else server
        )
        port = listen(factory, "127.0.0.1", 0, 50, reactor, count=server.counters.count)
        return Served(server, port)

    async def end() -> None:
        await served.port.stopListening()
        if not served.server.stopping:
            await served.server.stop()

    served = call(begin)
    servers.opened(served)
    pending: list[str] = []
    try:
        yield served
    finally:
        served.close_clients()
        call(end)
        # The end of a client that had not been let in yet is heard a turn later.
        with suppress(TimeoutError):
            until(lambda: not on_purpose.others(left_by(served.server, served.server.storage_object)))
        pending = call(servers.closed, served)
    servers.told(*call(left_by, served.server, served.server.storage_object), *pending)

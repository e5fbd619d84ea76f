"""The server in memory: the real one, on a clock, with clients that need no port."""

import contextlib
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Any, Literal

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.python.failure import Failure

from filtered_websocket.chain.deferreds import start
from filtered_websocket.errors import ConfigError
from filtered_websocket.pipeline.pipeline import Pipeline
from filtered_websocket.server.delivery import BusQueue
from filtered_websocket.server.server import Server as RealServer
from filtered_websocket.storage_objects.base import BaseStorageObject
from filtered_websocket.storage_objects.wrapped import wrap
from filtered_websocket.testing.client import Client, Connected, client_protocol
from filtered_websocket.testing.clock import ClockReactor, StillWaiting
from filtered_websocket.testing.engineio import WebSocketSession, address
from filtered_websocket.testing.failures import Failures
from filtered_websocket.testing.losses import Losses
from filtered_websocket.testing.pipelines import Filter, by_patterns, load_into, resolved
from filtered_websocket.testing.polling import PollingSession
from filtered_websocket.testing.real_time import LoopReactor
from filtered_websocket.testing.socketio import SocketIOClient
from filtered_websocket.testing.socketio_connection import Connection
from filtered_websocket.testing.storage import Storage

REACTORS: dict[str, type[ClockReactor]] = {"clock": ClockReactor, "asyncio": LoopReactor}
STOP_LIMIT = 60.0
"""Seconds that stop filters may take."""


class Server:
    """A server in memory, to be used in a ``with`` statement.

    :param filters: names of filter modules, also with options of their own as ``-f`` takes them or a file does
        (``{"filter": ..., "option": value}``); or filter classes; none: those of ``fws_server``
    :param storage_object: one of your own, or another server's to make two nodes of one; default: a new one in memory
    :param reactor: ``asyncio``: filters may await asyncio's own objects, time is real (`testing.real_time`), and a call
        waits for filters, at most `patience` seconds; or a clock of your own, which other servers may have too
    :param options: values of options, as in the JSON file: ``max_message_size=100``; in ``pipelines`` too, filters may
        be classes
    :raises ConfigError: as ``fws_server`` would not start
    """

    def __init__(
        self,
        *filters: Filter,
        storage_object: object = None,
        reactor: Literal["clock", "asyncio"] | ClockReactor = "clock",
        **options: Any,
    ) -> None:
        if not isinstance(reactor, ClockReactor) and reactor not in REACTORS:
            raise ConfigError(f'reactor: "{reactor}" is none of the kit\'s: {", ".join(REACTORS)}')
        here = os.path.realpath(os.getcwd())
        if here not in sys.path:  # as fws_server does
            sys.path.append(here)
        self._given = by_patterns(filters, options.get("pipelines", {}))
        self.reactor = reactor if isinstance(reactor, ClockReactor) else REACTORS[reactor]()
        self.storage_object: BaseStorageObject = wrap(Storage() if storage_object is None else storage_object)
        self.server = RealServer(resolved(filters, options, self._given), self.storage_object, self.reactor)
        for pipeline in self.server.pipelines:
            if pipeline.patterns in self._given:
                load_into(pipeline, self._given[pipeline.patterns])
        self.server.arrange()
        self._losses = Losses(self.server)
        self._clients: list[Connected] = []
        self._come = 0
        self._failures = Failures(self.storage_object)
        self._while_open = contextlib.ExitStack()

    @property
    def errors(self) -> list[str]:
        """The tracebacks of filters that raised, since this was last asked."""
        self.settle()
        return self._failures.take()

    @property
    def queue(self) -> BusQueue:
        return self.server.queue

    @property
    def storage(self) -> Storage:
        """The storage object, to be taken away: ``with server.storage.away(): ...``.

        :raises TypeError: it is one of your own, which only you can take away
        """
        if not isinstance(self.storage_object, Storage):
            raise TypeError(
                f"{type(self.storage_object).__name__} is a storage object of your own: take it away yourself"
            )
        return self.storage_object

    def pipeline(self, path: str = "/") -> Pipeline:
        """The pipeline that serves a path: its `users`, `publish`, `hub`. Raises LookupError if there is none."""
        found = self.server.pipeline_for(path)
        if found is None:
            raise LookupError(f"no pipeline serves {path}")
        return found

    def connect(
        self,
        path: str = "/",
        headers: Mapping[str, str] | None = None,
        protocols: Iterable[str] = (),
        compression: bool = False,
    ) -> Client:
        """A new client. While a handshake filter waits it is not open yet.

        :param path: with the query
        :param headers: of the request; ``Host`` is ``localhost`` unless given
        :param protocols: subprotocols to offer
        :param compression: offer permessage-deflate
        :raises Refused: the server answered with anything but 101
        """
        client = Client(self, client_protocol(path, protocols, compression))
        client.begin(headers or {})
        return client

    def socketio(
        self,
        namespace: str = "/",
        auth: Any = None,
        *,
        path: str = "/socket.io/",
        headers: Mapping[str, str] | None = None,
        transport: Literal["websocket", "polling"] = "websocket",
    ) -> SocketIOClient:
        """A new client of Socket.IO in a namespace. While a connect filter waits it is not in yet.

        :param auth: what it says of itself, a dict
        :param path: that of the pack, with the query
        :param headers: of the request, of all requests where it polls
        :raises ConnectError: it is not let in
        :raises Refused: the server refuses the connection
        """
        connection = Connection(self)
        if transport == "polling":
            connection.session = PollingSession(self, path, headers or {}, connection)
        else:
            session = connection.session = WebSocketSession(
                self, client_protocol(address(path, transport="websocket")), connection
            )
            session.begin(headers or {})
        return connection.enter(namespace, auth)

    @property
    def next_port(self) -> int:
        """That of the next connection's client."""
        return 50000 + self._come

    def add(self, client: Connected) -> None:
        """Carry what a client sends and gets, from now on."""
        self._come += 1
        self._clients.append(client)

    def miss(self, channel: str, path: str = "/") -> None:
        """Let this node miss something of a channel that cannot be had any more, as when Redis was away for long."""
        pipeline = self.pipeline(path)
        self.server.gap(pipeline.prefix + channel, pipeline.hub.position(channel))
        self.settle()

    def drop_next(self, channel: str, count: int = 1, path: str = "/") -> None:
        """Lose the next publications to a channel on their way from the storage object to this node, as a bus may.

        They are in the channel's history. With one that follows, those that rely on their positions are told.
        """
        self._losses.expect(self.pipeline(path).prefix + channel, count)

    def put(self, item: Any) -> None:
        """Put an item into the queue, as any thread may: it reaches the consumer chains."""
        self.server.queue.put(item)
        self.settle()

    def advance(self, seconds: float) -> None:
        """Let time pass.

        :raises RuntimeError: with ``reactor="asyncio"`` time is real
        """
        self.reactor.pass_time(seconds, self.settle)

    def result(self, awaitable: Any) -> Any:
        """What a Deferred or a coroutine comes to, such as ``server.storage_object.get("room")``.

        :raises StillWaiting: it waits for time to pass
        """
        is_deferred = isinstance(awaitable, Deferred)
        return self._result(lambda: maybeDeferred(lambda: awaitable) if is_deferred else start(_await(awaitable)))

    def _result(self, begin: Callable[[], Deferred[Any]]) -> Any:
        outcome = self._begin(begin)
        self.reactor.rest(self._move, lambda: outcome)
        if not outcome:
            raise StillWaiting(f"no result yet; {self.way_on}")
        if isinstance(outcome[0], Failure):
            outcome[0].raiseException()
        return outcome[0]

    def _begin(self, begin: Callable[[], Deferred[Any]]) -> list[Any]:
        """Begin something where the server runs; the list will hold what it comes to."""
        outcome: list[Any] = []
        self.reactor.callFromThread(lambda: begin().addBoth(outcome.append))
        return outcome

    @property
    def way_on(self) -> str:
        """What a test does about a filter that waits."""
        return self.reactor.way_on

    def settle(self, until: Callable[[], object] | None = None) -> None:
        """Let everything happen that can happen without time passing; every call of the kit does this itself.

        :param until: with ``reactor="asyncio"``: what is waited for; nothing given: that no filter waits
        """
        self.reactor.rest(self._move, until)

    def _move(self) -> bool:
        moved = sum(client.transport.move() for client in self._clients) > 0
        if moved:
            # A test may have thousands, one after the other.
            self._clients = [client for client in self._clients if client.transport.connected]
        return moved

    def __enter__(self) -> "Server":
        from twisted.internet import reactor

        self._while_open.enter_context(self.reactor.in_place_of(reactor))
        self._while_open.enter_context(self._failures.heard())
        try:
            self._result(self.server.start)
        except BaseException:
            self._while_open.close()
            raise
        return self

    def __exit__(self, kind: Any, error: BaseException | None, trace: TracebackType | None) -> None:
        with self._while_open:
            stopped = self._begin(self.server.stop)
            self.reactor.wait(self._move, lambda: stopped, STOP_LIMIT)
        self._failures.tell(error)
        if error is None and not stopped:
            raise StillWaiting(f"the server has not stopped within {STOP_LIMIT:g} s: a stop or disconnect filter waits")


async def _await(awaitable: Any) -> Any:
    return await awaitable

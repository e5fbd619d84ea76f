"""The server in memory: the real one, on a clock, with clients that need no port."""

import contextlib
import os
import sys
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any, Literal

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.logger import LogEvent, LogLevel, formatEvent, globalLogPublisher
from twisted.python.failure import Failure
from websockets.client import ClientProtocol
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from filtered_websocket.chain.deferreds import start
from filtered_websocket.chain.registry import FilterMeta
from filtered_websocket.pipeline.pipeline import Pipeline
from filtered_websocket.server.delivery import BusQueue
from filtered_websocket.server.server import Server as RealServer
from filtered_websocket.storage_objects.base import BaseStorageObject
from filtered_websocket.storage_objects.wrapped import wrap
from filtered_websocket.testing.client import Client, Connected, StillWaiting
from filtered_websocket.testing.clock import MAX_TURNS, ClockReactor
from filtered_websocket.testing.engineio import WebSocketSession, address
from filtered_websocket.testing.pipelines import by_patterns, load_into, resolved
from filtered_websocket.testing.polling import PollingSession
from filtered_websocket.testing.socketio import SocketIOClient
from filtered_websocket.testing.socketio_connection import Connection
from filtered_websocket.testing.storage import Storage

STOP_LIMIT = 60.0
"""Seconds of the clock's time that stop filters may take."""


class FilterFailed(AssertionError):  # noqa: N818 - what happened
    """A filter raised, and the test did not ask for it."""


class Server:
    """A server in memory, to be used in a ``with`` statement.

    :param filters: names of filter modules, or filter classes; none: those of ``fws_server``
    :param storage_object: one of your own, or another server's to make two nodes of one; default: a new one in memory
    :param options: values of options, as in the JSON file: ``max_message_size=100``; in ``pipelines`` too, filters may
        be classes
    :raises ConfigError: as ``fws_server`` would not start
    """

    def __init__(self, *filters: str | FilterMeta, storage_object: object = None, **options: Any) -> None:
        here = os.path.realpath(os.getcwd())
        if here not in sys.path:  # as fws_server does
            sys.path.append(here)
        self._given = by_patterns(filters, options.get("pipelines", {}))
        self.reactor = ClockReactor()
        self.storage_object: BaseStorageObject = wrap(Storage() if storage_object is None else storage_object)
        self.server = RealServer(resolved(filters, options, self._given), self.storage_object, self.reactor)
        for pipeline in self.server.pipelines:
            if pipeline.patterns in self._given:
                load_into(pipeline, self._given[pipeline.patterns])
        self.server.arrange()
        self._clients: list[Connected] = []
        self._errors: list[str] = []
        self._while_open = contextlib.ExitStack()

    @property
    def errors(self) -> list[str]:
        """The tracebacks of filters that raised, since this was last asked."""
        self.settle()
        errors, self._errors = self._errors, []
        return errors

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
        client = Client(self, _protocol(path, protocols, compression))
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
                self, _protocol(address(path, transport="websocket")), connection
            )
            session.begin(headers or {})
        return connection.enter(namespace, auth)

    @property
    def next_port(self) -> int:
        """That of the next connection's client."""
        return 50000 + len(self._clients)

    def add(self, client: Connected) -> None:
        """Carry what a client sends and gets, from now on."""
        self._clients.append(client)

    def miss(self, channel: str, path: str = "/") -> None:
        """Let this node miss something of a channel that cannot be had any more, as when Redis was away for long."""
        pipeline = self.pipeline(path)
        self.server.gap(pipeline.prefix + channel, pipeline.hub.position(channel))
        self.settle()

    def put(self, item: Any) -> None:
        """Put an item into the queue, as any thread may: it reaches the consumer chains."""
        self.server.queue.put(item)
        self.settle()

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.reactor.pass_time(seconds, self.settle)

    def result(self, awaitable: Any) -> Any:
        """What a Deferred or a coroutine comes to, such as ``server.storage_object.get("room")``.

        :raises StillWaiting: it waits for time to pass
        """
        outcome: list[Any] = []
        deferred: Deferred[Any]
        deferred = maybeDeferred(lambda: awaitable) if isinstance(awaitable, Deferred) else start(_await(awaitable))
        deferred.addBoth(outcome.append)
        self.settle()
        if not outcome:
            raise StillWaiting("no result yet; let time pass with server.advance(seconds)")
        if isinstance(outcome[0], Failure):
            outcome[0].raiseException()
        return outcome[0]

    def settle(self) -> None:
        """Let everything happen that can happen without time passing; every call of the kit does this itself."""
        for _ in range(MAX_TURNS):
            moved = [client.transport.move() for client in self._clients]
            if not self.reactor.turn() and not any(moved):
                return
        raise StillWaiting(f"no rest after {MAX_TURNS} turns: a filter calls itself with callLater(0, ...)")

    def __enter__(self) -> "Server":
        from twisted.internet import reactor

        if getattr(reactor, "_asyncioEventloop", None) is not None:
            raise RuntimeError("the testing kit runs no asyncio loop: let this process have another Twisted reactor")
        self._while_open.enter_context(self.reactor.in_place_of(reactor))
        # Any callable is an observer; its interface is zope's, which mypy does not read.
        observer: Any = self._observe
        globalLogPublisher.addObserver(observer)
        self._while_open.callback(globalLogPublisher.removeObserver, observer)
        try:
            self.result(self.server.start())
        except BaseException:
            self._while_open.close()
            raise
        return self

    def __exit__(self, kind: Any, error: BaseException | None, trace: TracebackType | None) -> None:
        with self._while_open:
            stopped: list[Any] = []
            self.server.stop().addBoth(stopped.append)
            self.settle()
            while not stopped and self.reactor.seconds() < STOP_LIMIT:
                self.advance(0.5)
        if error is not None:
            return
        if self._errors:
            raise FilterFailed("\n" + "\n".join(self._errors))
        if not stopped:
            raise StillWaiting(f"the server has not stopped within {STOP_LIMIT:g} s: a stop or disconnect filter waits")

    def _observe(self, event: LogEvent) -> None:
        level = event.get("log_level")
        if level is not None and level >= LogLevel.error and event["log_namespace"].startswith("filtered_websocket."):
            failure = event.get("log_failure")
            if failure is None and "trace" not in event and not self.storage_object.ready:
                return  # the outage that the test has made
            self._errors.append(formatEvent(event) + (f"\n{failure.getTraceback()}" if failure is not None else ""))


def _protocol(path: str, protocols: Iterable[str] = (), compression: bool = False) -> ClientProtocol:
    return ClientProtocol(
        parse_uri(f"ws://localhost{path}"),
        subprotocols=[Subprotocol(each) for each in protocols] or None,
        extensions=[ClientPerMessageDeflateFactory()] if compression else None,
        max_size=None,
    )


async def _await(awaitable: Any) -> Any:
    return await awaitable

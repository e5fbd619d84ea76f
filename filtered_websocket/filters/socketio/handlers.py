"""Applications of python-socketio, nearly as they are: `Server` has what its `AsyncServer` has for handlers.

    from filtered_websocket.filters.socketio import handlers as socketio

    sio = socketio.Server()

    @sio.event
    async def say(sid, text):
        await sio.emit("said", text, room="hall", skip_sid=sid)

``fws_server -f that_module`` runs it: each handler becomes a filter of the pack (`registered`). What differs is told by
docs/migrating-from-python-socketio.md. It works on every reactor; asyncio's awaitables want ``--reactor asyncio``.

Calls outside handlers are for the clients of all pipelines that run the server, calls within a handler for those of its
client's pipeline. A task begun by `Server.start_background_task` is outside handlers.
"""

import asyncio
import contextvars
import functools
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar, overload

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from filtered_websocket.chain.deferreds import start
from filtered_websocket.chain.events import WebSocketStartFilter, WebSocketStopFilter
from filtered_websocket.chain.interfaces import Pipeline
from filtered_websocket.chain.outcomes import CANCELLED, report
from filtered_websocket.filters.socketio import Operator, exceptions, server_settings
from filtered_websocket.filters.socketio.acknowledgements import SECONDS, NoAnswer
from filtered_websocket.filters.socketio.entering import Entering
from filtered_websocket.filters.socketio.environ import environ
from filtered_websocket.filters.socketio.exceptions import ConnectionRefusedError, SocketIOError, TimeoutError
from filtered_websocket.filters.socketio.fitting import Handler
from filtered_websocket.filters.socketio.handling import of_users
from filtered_websocket.filters.socketio.namespace_class import Namespace
from filtered_websocket.filters.socketio.reach import Names, Reach, known, names
from filtered_websocket.filters.socketio.registered import Registered, current
from filtered_websocket.filters.socketio.settling import call_back, running_loop, settled, those_given, told
from filtered_websocket.filters.socketio.state import State

__all__ = [
    "AsyncNamespace",
    "AsyncServer",
    "ConnectionRefusedError",
    "Namespace",
    "Server",
    "SocketIOError",
    "TimeoutError",
    "exceptions",
]


Registers = TypeVar("Registers", bound=Handler)


class Know(WebSocketStartFilter):
    """Servers find the pipelines that run them among these."""

    @classmethod
    def filter(cls, web_socket_instance: Pipeline, data: None) -> None:
        known.add(web_socket_instance)


class Ignore(WebSocketStopFilter):
    """It runs them no longer."""

    @classmethod
    def filter(cls, web_socket_instance: Pipeline, data: None) -> None:
        known.discard(web_socket_instance)


class Reason:
    """Why a client has gone, as disconnect handlers get it."""

    CLIENT_DISCONNECT = "client disconnect"
    SERVER_DISCONNECT = "server disconnect"
    PING_TIMEOUT = "ping timeout"
    TRANSPORT_CLOSE = "transport close"
    TRANSPORT_ERROR = "transport error"


class Server:
    """
    Handlers, and what they call.

    :param namespaces: those that are there without a handler, or ``*``: every one
    :param settings: those of `AsyncServer` that are options here are refused, with the option's name
    :raises ConfigError: such a setting
    """

    reason = Reason

    def __init__(self, *, namespaces: Names = None, **settings: Any) -> None:
        server_settings.refuse(settings)
        module = str(sys._getframe(1).f_globals["__name__"])
        self._registered = Registered(module, names(namespaces))
        self._reach = Reach(self._registered)

    # Handlers.

    @overload
    def on(
        self, event: str, handler: None = None, namespace: str | None = None
    ) -> Callable[[Registers], Registers]: ...

    @overload
    def on(self, event: str, handler: Registers, namespace: str | None = None) -> Registers: ...

    def on(self, event: str, handler: Handler | None = None, namespace: str | None = None) -> Any:
        """Register a handler of an event; without one it is a decorator. ``*`` is every event, or every namespace.

        :raises RuntimeError: the server runs already; only a handler that takes another's place may come then
        """

        def add(handler: Handler) -> Handler:
            self._reach.refuse_late(namespace or "/", event)
            self._registered.add(namespace or "/", event, handler)
            return handler

        return add if handler is None else add(handler)

    @overload
    def event(self, handler: Registers, /) -> Registers: ...

    @overload
    def event(self, namespace: str | None = None) -> Callable[[Registers], Registers]: ...

    def event(self, *args: Any, **kwargs: Any) -> Any:
        """Register a function for the event of its name: ``@sio.event``, or ``@sio.event(namespace=...)``."""
        if len(args) == 1 and not kwargs and callable(args[0]):
            return self.on(args[0].__name__, args[0])
        return lambda handler: self.on(handler.__name__, None, *args, **kwargs)(handler)

    def register_namespace(self, namespace_handler: Namespace) -> None:
        """Register an object whose methods are the handlers of a namespace."""
        if not isinstance(namespace_handler, Namespace):
            raise ValueError("not an instance of Namespace")
        self._reach.refuse_late(namespace_handler.namespace, None)
        namespace_handler.server = self
        self._registered.add_object(namespace_handler.namespace, namespace_handler)

    # What is sent.

    async def emit(  # noqa: PLR0917 - the order that applications know
        self,
        event: str,
        data: Any = None,
        to: Names = None,
        room: Names = None,
        skip_sid: Names = None,
        namespace: str | None = None,
        callback: Callable[..., Any] | None = None,
        ignore_queue: bool = False,
    ) -> None:
        """Send an event: to all clients of a namespace, those of rooms, or one by its id.

        :param data: a tuple is several arguments, None is none
        :param callback: called with the arguments of each acknowledgement that comes within 60 s
        :param ignore_queue: to clients of this node alone
        """
        where, rooms, skip, arguments = namespace or "/", names(to or room), names(skip_sid), _arguments(data)
        if len(rooms) == 1 and not skip and (socket := self._reach.find(rooms[0], where)) is not None:
            if callback is None:
                socket.emit(event, *arguments)
            else:
                answer = socket.call(event, *arguments)
                answer.addCallback(lambda given: [given]).addErrback(those_given)
                answer.addCallback(functools.partial(call_back, socket.connection.pipeline, callback))
            return
        for pipeline in self._reach.pipelines():
            # Those that are being let in are in no room of the hub; the event follows their admission.
            entering = [
                each
                for each in Entering.of(pipeline).of_namespace(where)
                if (not rooms or not each.rooms.isdisjoint(rooms)) and each.rooms.isdisjoint(skip)
            ]
            for each in entering:
                each.emit(event, *arguments)
            audience = self._reach.audience(pipeline, where, rooms, [*skip, *(each.id for each in entering)])
            operator = audience.local if ignore_queue else audience
            if callback is None:
                await told(pipeline, operator.emit(event, *arguments))
            else:
                answers = operator.call(event, *arguments).addErrback(those_given)
                answers.addCallback(functools.partial(call_back, pipeline, callback))

    async def send(  # noqa: PLR0917 - the order that applications know
        self,
        data: Any,
        to: Names = None,
        room: Names = None,
        skip_sid: Names = None,
        namespace: str | None = None,
        callback: Callable[..., Any] | None = None,
        ignore_queue: bool = False,
    ) -> None:
        """Send the event ``message``."""
        await self.emit("message", data, to, room, skip_sid, namespace, callback, ignore_queue)

    async def call(  # noqa: PLR0917 - the order that applications know
        self,
        event: str,
        data: Any = None,
        to: str | None = None,
        sid: str | None = None,
        namespace: str | None = None,
        timeout: float | None = SECONDS,
        ignore_queue: bool = False,
    ) -> Any:
        """Send an event to one client, and wait for its acknowledgement.

        :returns: its argument, a tuple of several, None for none
        :raises TimeoutError: it has not come in time, or the client has gone
        """
        where, name = namespace or "/", to or sid
        if name is None:
            raise ValueError("call() is for one client: it needs to= or sid=")
        seconds, arguments = SECONDS if timeout is None else timeout, _arguments(data)
        socket = self._reach.find(name, where)
        try:
            if socket is not None or ignore_queue:
                if socket is None:
                    raise NoAnswer("there is no such client here", clients=1)
                given = await settled(socket.call(event, *arguments, timeout=seconds))
            else:
                given = await self._call_elsewhere(
                    where, name, lambda operator: operator.call(event, *arguments, timeout=seconds)
                )
        except NoAnswer as error:
            raise TimeoutError(str(error)) from None
        return tuple(given) if len(given) > 1 else given[0] if given else None

    async def _call_elsewhere(self, where: str, name: str, call: Callable[[Operator], Deferred[Any]]) -> list[Any]:
        for pipeline in self._reach.pipelines():
            is_shared = State.of(pipeline).cluster.is_shared
            if is_shared and (answers := await settled(call(self._reach.audience(pipeline, where, [name])))):
                return list(answers[0])
        raise NoAnswer("there is no such client", clients=1)

    # Rooms.

    async def enter_room(self, sid: str, room: str, namespace: str | None = None) -> None:
        """Have a client enter a room.

        :raises ValueError: there is no such client, where no other node can have it
        """
        if (socket := self._reach.find(sid, namespace or "/")) is not None:
            socket.join(room)
        elif not await self._reach.elsewhere(sid, namespace, lambda operator: operator.sockets_join(room)):
            raise ValueError("sid is not connected to requested namespace")

    async def leave_room(self, sid: str, room: str, namespace: str | None = None) -> None:
        """Have a client leave a room."""
        if (socket := self._reach.find(sid, namespace or "/")) is not None:
            socket.leave(room)
        else:
            await self._reach.elsewhere(sid, namespace, lambda operator: operator.sockets_leave(room))

    async def close_room(self, room: str, namespace: str | None = None) -> None:
        """Have all clients of a room leave it."""
        for pipeline in self._reach.pipelines():
            for each in Entering.of(pipeline).of_namespace(namespace or "/"):
                each.leave(room)
            await told(pipeline, self._reach.audience(pipeline, namespace or "/", [room]).sockets_leave(room))

    def rooms(self, sid: str, namespace: str | None = None) -> list[str]:
        """The rooms of a client of this node, its own among them.

        :raises KeyError: there is no such client here
        """
        return list(self._reach.here(sid, namespace).rooms)

    # Clients.

    async def save_session(self, sid: str, session: Any, namespace: str | None = None) -> None:
        """Keep something with a client of this node: its `Socket.data`. JSON values go with it to another node."""
        self._reach.here(sid, namespace).data = session

    async def get_session(self, sid: str, namespace: str | None = None) -> Any:
        """What is kept with a client of this node, {} at first."""
        return self._reach.here(sid, namespace).data

    @asynccontextmanager
    async def session(self, sid: str, namespace: str | None = None) -> AsyncIterator[Any]:
        """What is kept with a client, kept again at the end of an ``async with``."""
        session = await self.get_session(sid, namespace)
        yield session
        await self.save_session(sid, session, namespace)

    def get_environ(self, sid: str, namespace: str | None = None) -> dict[str, Any] | None:
        """The request that a client's connection began with; None for a client that is not here."""
        socket = self._reach.find(sid, namespace or "/")
        return None if socket is None else environ(socket.handshake)

    async def disconnect(self, sid: str, namespace: str | None = None, ignore_queue: bool = False) -> None:
        """Put a client out of a namespace."""
        if (socket := self._reach.find(sid, namespace or "/")) is not None:
            socket.disconnect()
        elif not ignore_queue:
            await self._reach.elsewhere(sid, namespace, lambda operator: operator.disconnect_sockets())

    # Tasks.

    def start_background_task(self, target: Callable[..., Any], *args: Any, **kwargs: Any) -> Deferred[Any]:
        """Start a coroutine function.

        :returns: can be awaited and cancelled; a failure is reported
        """
        context = contextvars.copy_context()
        context.run(current.set, None)
        return context.run(start, self._watched(target(*args, **kwargs)))

    async def _watched(self, coroutine: Any) -> Any:
        try:
            return await coroutine
        except CANCELLED:
            return None
        except Exception as error:
            for pipeline in self._reach.pipelines()[:1]:
                error = error.with_traceback(of_users(error.__traceback__))
                report(pipeline.server.counters, error, reason="background task")

    async def sleep(self, seconds: float = 0) -> None:
        """Wait for so many seconds."""
        if running_loop() is not None:
            await asyncio.sleep(seconds)
        elif pipelines := self._reach.pipelines():
            await deferLater(pipelines[0].server.reactor, seconds)
        else:
            from twisted.internet import reactor

            await deferLater(reactor, seconds)


AsyncServer, AsyncNamespace = Server, Namespace


def _arguments(data: Any) -> tuple[Any, ...]:
    return () if data is None else data if isinstance(data, tuple) else (data,)

"""The handlers of one `handlers.Server`, and the filter classes that they become.

Rules:

1. Each pair of namespace and event becomes one event filter, when its first handler is registered. All of a server
   have one connect filter and one disconnect filter. They belong to the module that made the server.
2. Of several handlers that an event has, one runs, as with python-socketio: the namespace's own, its ``*``, that of
   all namespaces, their ``*``; then the object of the namespace, that of all namespaces. The others' filters pass.
3. A handler of an event that raises an exception fails as any filter of an event: there is no acknowledgement, and the
   client stays.
"""

import builtins
import functools
import inspect
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextvars import ContextVar
from typing import Any, NamedTuple, TypeVar

from filtered_websocket.chain.interfaces import Pipeline
from filtered_websocket.chain.outcomes import CANCELLED
from filtered_websocket.chain.registry import FilterMeta
from filtered_websocket.errors import NotAllowed, Reject, StorageAway
from filtered_websocket.filters.socketio import exceptions
from filtered_websocket.filters.socketio.entering import Entering
from filtered_websocket.filters.socketio.environ import environ
from filtered_websocket.filters.socketio.events import (
    SocketIOConnectFilter,
    SocketIODisconnectFilter,
    SocketIOEventFilter,
)
from filtered_websocket.filters.socketio.fitting import Handler, fitting
from filtered_websocket.filters.socketio.socket import Socket

Value = TypeVar("Value")

RESERVED = ("connect", "disconnect")
ANY = "*"
REASONS = {
    "client namespace disconnect": "client disconnect",
    "server namespace disconnect": "server disconnect",
    "forced server close": "server disconnect",
    "server shutting down": "server disconnect",
    "forced close": "transport error",
}
"""Socket.IO's reasons of an end as python-socketio names them, where its names are others."""

current: ContextVar[Socket | None] = ContextVar("current", default=None)
"""The client whose handler runs."""

_MEANT: tuple[type[BaseException], ...] = (NotAllowed, StorageAway, *CANCELLED)


class Found(NamedTuple):
    """A handler for an event.

    :ivar key: what it is registered for: namespace and event; for a namespace's object the event is None
    :ivar before: arguments that come before all others
    """

    key: tuple[str, str | None]
    handler: Handler
    before: tuple[Any, ...] = ()


class Registered:
    """
    :param module: the name of the module that made the server
    :param namespaces: those that are there without a handler; ``*`` is every namespace
    """

    def __init__(self, module: str, namespaces: Sequence[str]) -> None:
        self._module, self._namespaces = module, namespaces
        self.handlers: dict[str, dict[str, Handler]] = {}
        self.objects: dict[str, Any] = {}
        self._made: set[tuple[str, str | None]] = set()
        self._number = _number(module)
        self.connect = self._filter(SocketIOConnectFilter, "connect", self._connect, namespace=self)
        self._filter(SocketIODisconnectFilter, "disconnect", self._disconnect, namespace=self)

    def __contains__(self, namespace: object) -> bool:
        """Whether there is a namespace: what filters of all namespaces are for."""
        return ANY in self._namespaces or (
            namespace != ANY and any(namespace in each for each in (self._namespaces, self.handlers, self.objects))
        )

    def is_in(self, pipeline: Pipeline) -> bool:
        """Whether a pipeline runs these, or what took their place in a reload."""
        name = self.connect.__module__, self.connect.__qualname__
        connect = pipeline.further.get(SocketIOConnectFilter, ())
        return any((each.__module__, each.__qualname__) == name for each in connect)

    def runs_in(self, pipeline: Pipeline) -> bool:
        """Whether a pipeline has taken these filters: it takes no further ones before a reload."""
        return self.connect in pipeline.further.get(SocketIOConnectFilter, ())

    # Registering.

    def is_new(self, namespace: str, event: str | None) -> bool:
        """Whether a handler needs a filter that there is not yet."""
        return event not in RESERVED and (namespace, event) not in self._made

    def add(self, namespace: str, event: str, handler: Handler) -> None:
        """A handler takes the place of the one before it."""
        self.handlers.setdefault(namespace, {})[event] = handler
        self._make(namespace, event)

    def add_object(self, namespace: str, handler: Any) -> None:
        """An object with ``trigger_event(event, *arguments)``, which gets every event of a namespace."""
        self.objects[namespace] = handler
        self._make(namespace, None)

    def _make(self, namespace: str, event: str | None) -> None:
        key = namespace, event
        if self.is_new(*key):
            self._made.add(key)
            self._filter(
                SocketIOEventFilter,
                f"{namespace} {'(object)' if event is None else event}",
                functools.partial(self._event, key),
                namespace=self if namespace == ANY else namespace,
                event=None if event in (None, ANY) else event,
            )

    def _filter(self, root: FilterMeta, name: str, function: Handler, **attributes: Any) -> FilterMeta:
        def filter(cls: Any, socket: Socket, *arguments: Any) -> Any:
            return function(socket, *arguments)

        name = f"Server {self._number}: {name}"
        names = {"__module__": self._module, "__qualname__": name, "filter": classmethod(filter)}
        return FilterMeta(name, (root,), {**names, **attributes})

    # Finding.

    def find(self, event: str, namespace: str) -> Found | None:
        """The handler that an event runs."""
        for where, before in ((namespace, ()), (ANY, (namespace,))):
            named = self.handlers.get(where, {})
            if event in named and event != ANY:
                return Found((where, event), named[event], before)
            if ANY in named and event not in RESERVED:
                return Found((where, ANY), named[ANY], (event, *before))
        for where, before in ((namespace, ()), (ANY, (namespace,))):
            if where in self.objects:
                return Found((where, None), functools.partial(self.objects[where].trigger_event, event), before)
        return None

    # Running.

    def _event(self, key: tuple[str, str | None], socket: Socket, *arguments: Any) -> Any:
        found = self.find(str(socket.event), socket.namespace)
        if found is None or found.key != key:
            return None
        return _run(socket, found.handler, (*found.before, socket.id, *arguments), _same, _raise)

    def _connect(self, socket: Socket, auth: Any) -> Any:
        Entering.of(socket.connection.pipeline).add(socket)
        found = self.find("connect", socket.namespace)
        if found is None:
            return None
        arguments: tuple[Any, ...] = (*found.before, socket.id, environ(socket.handshake))
        if auth:
            arguments += (auth,)
        return _run(socket, found.handler, fitting(found.handler, arguments), _admit, _refuse)

    def _disconnect(self, socket: Socket, reason: str) -> Any:
        found = self.find("disconnect", socket.namespace)
        if found is None:
            return None
        arguments = (*found.before, socket.id, REASONS.get(reason, reason))
        return _run(socket, found.handler, fitting(found.handler, arguments), _same, _raise)


def _run(
    socket: Socket,
    handler: Handler,
    arguments: tuple[Any, ...],
    done: Callable[[Any], Any],
    failed: Callable[[Socket, Exception], Any],
) -> Any:
    token = current.set(socket)
    try:
        result = handler(*arguments)
        if not inspect.isawaitable(result):
            return done(result)
    except _MEANT:
        raise
    except Exception as error:
        return failed(socket, error)
    finally:
        current.reset(token)
    return _finish(socket, result, done, failed)


async def _finish(
    socket: Socket,
    waited: Awaitable[Any],
    done: Callable[[Any], Any],
    failed: Callable[[Socket, Exception], Any],
) -> Any:
    current.set(socket)  # of this coroutine's context alone
    try:
        return done(await waited)
    except _MEANT:
        raise
    except Exception as error:
        return failed(socket, error)


def _same(result: Value) -> Value:
    return result


def _raise(_: Socket, error: Exception) -> None:
    raise error


def _admit(result: Any) -> None:
    if result is False:
        raise Reject(403, "Connection rejected by server")


def _refuse(_: Socket, error: Exception) -> None:
    if isinstance(error, exceptions.ConnectionRefusedError):
        raise Reject(403, error.message, data=error.data)
    if isinstance(error, builtins.ConnectionRefusedError):
        raise Reject(403, "Connection refused by server")
    raise error


_numbers: dict[str, tuple[Any, int]] = {}


def _number(module: str) -> int:
    """Which of its module's servers this is: a reload counts anew, so each takes the place of its former self."""
    spec = getattr(sys.modules.get(module), "__spec__", None)
    former, number = _numbers.get(module, (spec, 0))
    number = number + 1 if former is spec else 1
    _numbers[module] = spec, number
    return number

"""Filters, the chains they join by being defined, and how a chain runs.

Rules:

1. A class made by `FilterMeta` whose bases hold no chain is the root of a new chain. Every subclass of a root joins the
   root's ``_filters``, in the order of definition. The list lives on the root, so two chains made with one metaclass
   never share it.
2. Every subclass joins, also one of several of a name. A class takes the place of its former self only where its module
   is reloaded, or the class is built twice, as by `six.add_metaclass` (`registry`).
3. A chain is a pipe. What a filter returns goes to the next filter; None leaves the data as it was.
4. A filter may be ``async def`` or return a Deferred: the run then waits, and `run` answers with a Deferred.

>>> class A(FilterBase, metaclass=FilterMeta):
...     pass
>>> class B(A):
...     @classmethod
...     def filter(cls, web_socket_instance):
...         print("foo")
>>> class C(A):
...     @classmethod
...     def filter(cls, web_socket_instance, data):
...         print("bar")
>>> A.run(None)
foo
bar
"""

import asyncio
import functools
import inspect
import types
from collections.abc import Callable, Coroutine, Generator, Iterator
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from filtered_websocket.errors import StopChain
from filtered_websocket.registry import Registry

Step = Callable[[Any, Any], Any]
"""A filter as a chain calls it: ``step(instance, data)``."""


class FilterMeta(type):
    """The metaclass of filters: a class registers itself when it is defined. Chains of your own use it too."""

    _filters: "Registry[FilterMeta]"
    step: Step

    def __init__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> None:
        super().__init__(name, bases, namespace)
        roots = [base for base in cls.__mro__[1:] if "_filters" in vars(base)]
        if not roots:
            cls._filters = Registry(cls)
            return
        cls.step = _as_step(cls.filter)  # type: ignore[attr-defined]
        for root in roots:
            root._filters.join(cls, namespace)  # type: ignore[attr-defined]


def _as_step(function: Callable[..., Any]) -> Step:
    """A filter written with one parameter is called with one, as the original's README writes them."""
    kinds = [parameter.kind for parameter in inspect.signature(function).parameters.values()]
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    if inspect.Parameter.VAR_POSITIONAL in kinds or sum(kind in positional for kind in kinds) != 1:
        return function
    return functools.wraps(function)(lambda instance, data: function(instance))


class FilterBase:
    """What every filter is: a class with a classmethod ``filter(web_socket_instance, data)``."""

    @classmethod
    def filter(cls, web_socket_instance: Any, data: Any) -> Any:
        """Answer one event. None: the data goes on as it is; a value: it goes on instead."""

    @classmethod
    def run(cls, web_socket_instance: Any, data: Any = None) -> Any:
        """Run every filter registered on this chain.

        :returns: the data as the last filter left it, None after StopChain, or a Deferred of that when a filter waits
        """
        try:
            result = run([each.step for each in cls._filters], web_socket_instance, data)  # type: ignore[attr-defined]
        except StopChain:
            return None
        if isinstance(result, Deferred):
            result.addErrback(lambda failure: failure.trap(StopChain) and None)
        return result


def run(steps: Iterator[Step] | list[Step] | tuple[Step, ...], instance: Any, data: Any) -> Any:
    """Run a chain once: the hot path of every event.

    :returns: the data as the last filter left it; when a filter waits, a Deferred of that. Cancelling the Deferred
        cancels the filter that waits.
    :raises BaseException: whatever a filter raises, signals included
    """
    steps = iter(steps)
    for step in steps:
        result = step(instance, data)
        if result is not None:
            if isinstance(result, (types.CoroutineType, Deferred)) or inspect.isawaitable(result):
                if isinstance(result, Deferred) and _has_fired(result):
                    result = result.result
                else:
                    return start(_finish(result, step, steps, instance, data))
            if result is not None:
                data = result
    return data


def _has_fired(deferred: "Deferred[Any]") -> bool:
    """Whether the result is there now. Most of what filters return is: an ignored publish, an answer from memory."""
    return bool(deferred.called) and not deferred.paused and not isinstance(deferred.result, (Failure, Deferred))


async def _finish(waited: Any, step: Step, steps: Iterator[Step], instance: Any, data: Any) -> Any:
    try:
        result = await waited
        while result is not None and inspect.isawaitable(result):
            result = await result
        if result is not None:
            data = result
        for step in steps:  # noqa: PLR1704 - the one that is awaited now
            result = step(instance, data)
            while result is not None and inspect.isawaitable(result):
                result = await result
            if result is not None:
                data = result
    except BaseException as error:
        # What a Deferred fails with holds no frame of the filter that returned it.
        error.filter_step = step  # type: ignore[attr-defined]
        raise
    return data


def start(coroutine: Coroutine[Any, Any, Any]) -> "Deferred[Any]":
    """Start a coroutine now. On the asyncio reactor it may await asyncio's objects beside Deferreds."""
    from twisted.internet import reactor

    loop = getattr(reactor, "_asyncioEventloop", None)
    if loop is None:
        return Deferred.fromCoroutine(coroutine)
    return Deferred.fromFuture(loop.create_task(_task(coroutine, loop)))


async def _task(coroutine: Coroutine[Any, Any, Any], loop: asyncio.AbstractEventLoop) -> Any:
    return await _bridge(coroutine, loop)


@types.coroutine
def _bridge(coroutine: Coroutine[Any, Any, Any], loop: asyncio.AbstractEventLoop) -> Generator[Any, Any, Any]:
    """Drive a coroutine inside an asyncio task, which then waits for the Deferreds it awaits, too."""
    step: Callable[[Any], Any] = coroutine.send
    value: Any = None
    while True:
        try:
            waited = step(value)
        except StopIteration as finished:
            return finished.value
        try:
            value = (yield from _fired(waited, loop)) if isinstance(waited, Deferred) else (yield waited)
            step = coroutine.send
        except BaseException as error:  # the awaiting filter decides, cancellation included
            step, value = coroutine.throw, error


def _fired(waited: "Deferred[Any]", loop: asyncio.AbstractEventLoop) -> Generator[Any, Any, Any]:
    """Wait until a Deferred has fired. Its result stays in it (asFuture would take it): its own await looks there."""
    future = loop.create_future()

    def fired(result: Any) -> Any:
        if not future.done():
            future.set_result(None)
        return result

    waited.addBoth(fired)
    try:
        yield from future
    except asyncio.CancelledError:
        waited.cancel()
        waited.addErrback(lambda failure: None)  # the awaiting filter is told by the exception that is under way
        raise


class WebSocketStartFilter(FilterBase, metaclass=FilterMeta):
    """The pipeline begins: open what other filters need. Gets the pipeline and None; an exception stops the start."""

    event = "start"


class WebSocketHandshakeFilter(FilterBase, metaclass=FilterMeta):
    """A client asks to connect, before the 101. Gets the connection and its request.

    ``raise Reject(status, reason)`` refuses; ``connection.accept(protocol, headers)`` chooses a subprotocol the client
    offered or adds headers to the 101. An exception refuses with 500.
    """

    event = "handshake"


class WebSocketConnectFilter(FilterBase, metaclass=FilterMeta):
    """The connection is open: greet, subscribe. Gets the connection and None; always paired with one disconnect."""

    event = "connect"


class WebSocketDataFilter(FilterBase, metaclass=FilterMeta):
    """Bytes have been received, the handshake's and those of no WebSocket at all included. Gets bytes.

    Bytes that a filter returns are parsed instead of the ones received.
    """

    event = "data"


class WebSocketMessageFilter(FilterBase, metaclass=FilterMeta):
    """A valid message has been received. Gets its payload as a bytearray, which a filter may change in place."""

    event = "message"


class WebSocketDisconnectFilter(FilterBase, metaclass=FilterMeta):
    """A connection that was open has ended, however: once. It is out of ``users``; ``close_code`` tells why."""

    event = "disconnect"


class WebSocketConsumerFilter(FilterBase, metaclass=FilterMeta):
    """A publication or a bus message has arrived. Gets the pipeline and the item.

    A publication is delivered to its channel as the chain's end leaves it. A bus message (a dict, or whatever was put
    into ``queue``) goes nowhere by itself.
    """

    event = "consumer"


class WebSocketStopFilter(FilterBase, metaclass=FilterMeta):
    """The pipeline ends: close what the start filter opened. Gets the pipeline and None."""

    event = "stop"


EVENTS: tuple[FilterMeta, ...] = (
    WebSocketStartFilter,
    WebSocketHandshakeFilter,
    WebSocketConnectFilter,
    WebSocketDataFilter,
    WebSocketMessageFilter,
    WebSocketDisconnectFilter,
    WebSocketConsumerFilter,
    WebSocketStopFilter,
)
"""The roots of the server's own chains, in the order of a connection's life."""

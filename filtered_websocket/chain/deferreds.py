"""Awaitable means eager: coroutines begun at once, asyncio's awaitables beside Twisted's, and what was over at once.

`DONE` is one shared Deferred that has fired with None, for calls that were over before they returned: a publication
through memory must not pay for a Deferred (0.6 us) that nearly nobody looks at.
"""

import asyncio
import types
from collections.abc import Callable, Coroutine, Generator
from contextvars import Context, copy_context
from typing import Any, TypeGuard

from twisted.internet.defer import Deferred, fail, succeed
from twisted.python.failure import Failure

FILTER_TASK = "filtered_websocket"
"""The name of the asyncio tasks that `start` makes."""


def start(coroutine: Coroutine[Any, Any, Any]) -> "Deferred[Any]":
    """Start a coroutine now. On the asyncio reactor it may await asyncio's objects beside Deferreds."""
    from twisted.internet import reactor

    loop = getattr(reactor, "_asyncioEventloop", None)
    if loop is not None and (not loop.is_running() or asyncio._get_running_loop() is loop):
        return Deferred.fromFuture(loop.create_task(_task(coroutine, loop), name=FILTER_TASK))
    begun = begin(coroutine)
    return succeed(None) if begun is DONE else begun


def begin(coroutine: Coroutine[Any, Any, Any]) -> "Deferred[Any]":
    """Start a coroutine that awaits nothing of asyncio's now: `DONE` if it is over with nothing as its result.

    Most are over at once, and then Twisted's own way of driving them is not needed, which costs as much as a step.
    """
    context = copy_context()
    try:
        waited = context.run(coroutine.send, None)
    except StopIteration as finished:
        return DONE if finished.value is None else succeed(finished.value)
    except BaseException:
        return fail()
    return Deferred.fromCoroutine(_rest(coroutine, waited, context))


def _rest(coroutine: Coroutine[Any, Any, Any], waited: Any, context: Context) -> Generator[Any, Any, Any]:
    """What is left of a coroutine that waits for this.

    All of it runs in the context that it began in: Twisted's driver has a copy, in which no variable set before can be
    reset.
    """
    while True:
        try:
            step, value = coroutine.send, (yield waited)
        except GeneratorExit:
            # Nobody waits for it any more. Both may be collected in any order: one that is closed takes no throw.
            context.run(coroutine.close)
            raise
        except BaseException as error:
            step, value = coroutine.throw, error
        try:
            waited = context.run(step, value)
        except StopIteration as finished:
            return finished.value


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
        except GeneratorExit:
            coroutine.close()  # as in `_rest`: the task is collected
            raise
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


def is_deferred(value: Any) -> TypeGuard["Deferred[Any]"]:
    """Whether it is one: isinstance would say the same, at several times the cost for what is none, since Deferred has
    an abstract base class."""
    return Deferred in type(value).__mro__


def has_fired(deferred: "Deferred[Any]") -> bool:
    """Whether the result is there now. Most of what filters return is: an ignored publish, an answer from memory."""
    if not deferred.called or deferred.paused:
        return False
    return not isinstance(deferred.result, Failure) and not is_deferred(deferred.result)


class _Done(Deferred[None]):
    """Nothing that is done to it changes it: what would, is done to a fresh Deferred, which is returned."""

    def addCallbacks(self, *args: Any, **kwargs: Any) -> Deferred[Any]:
        return succeed(None).addCallbacks(*args, **kwargs)

    def addCallback(self, callback: Any, *args: Any, **kwargs: Any) -> Deferred[Any]:
        return succeed(None).addCallback(callback, *args, **kwargs)

    def addErrback(self, errback: Any, *args: Any, **kwargs: Any) -> Deferred[Any]:
        return succeed(None).addErrback(errback, *args, **kwargs)

    def addBoth(self, callback: Any, *args: Any, **kwargs: Any) -> Deferred[Any]:
        return succeed(None).addBoth(callback, *args, **kwargs)

    def addTimeout(self, *args: Any, **kwargs: Any) -> Deferred[Any]:
        return succeed(None)

    def chainDeferred(self, d: Deferred[Any]) -> Deferred[None]:
        return succeed(None).chainDeferred(d)

    def asFuture(self, loop: Any) -> Any:
        return succeed(None).asFuture(loop)

    def __await__(self) -> Generator[Any, None, None]:
        return
        yield

    __iter__ = __await__

    def pause(self) -> None:
        """Nothing waits in it."""

    unpause = cancel = pause


DONE: Deferred[None] = _Done()
DONE.callback(None)

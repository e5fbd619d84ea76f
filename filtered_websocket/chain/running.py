"""One run of a chain: the data through its steps, in order."""

import inspect
import types
from collections.abc import Callable, Iterator
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from filtered_websocket.chain.deferreds import has_fired, start
from filtered_websocket.chain.failures import _awaited
from filtered_websocket.chain.storage import Storage
from filtered_websocket.errors import StorageAway
from filtered_websocket.messages.publication import Publication

Step = Callable[[Any, Any], Any]
"""A filter as a chain calls it: ``step(instance, data)``."""

_PLAIN = frozenset((str, bytes, bytearray, tuple, list, dict, int, float, bool, Publication))
"""Types that nobody waits for. What tells awaitables of all other types costs more than a short chain: these have
abstract base classes."""


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
            if type(result) not in _PLAIN and (
                isinstance(result, (types.CoroutineType, Deferred)) or inspect.isawaitable(result)
            ):
                if isinstance(result, Deferred) and has_fired(result):
                    result = result.result
                else:
                    return start(_finish(result, step, steps, instance, data))
            if result is not None:
                data = result
    return data


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


def limit_time(
    waiting: "Deferred[Any]", seconds: float, clock: Any, storage: Storage | None = None, whole: float | None = None
) -> None:
    """Cancel a filter that is awaited for too long; its error then says so, and where it was waiting.

    :param storage: what it may wait for: while that is away the filter is not to blame, and ends with StorageAway
    :param whole: what it has together with those before it, if that was more
    """

    def too_long(result: Any, seconds: float) -> Any:
        if not isinstance(result, Failure):
            return result
        left = f"{seconds:g} s" if whole in (None, seconds) else f"the {seconds:.2g} s that were left of {whole:g} s"
        text = f"the filter took longer than {left} (filter_timeout)"
        error: Exception = TimeoutError(text)
        if storage is not None and not storage.ready:
            error = StorageAway(f"{text}; the storage is away")
        error.filter_step = _awaited(result.value)  # type: ignore[attr-defined, arg-type]
        raise error.with_traceback(result.value.__traceback__ if result.value is not None else None)

    waiting.addTimeout(seconds, clock, too_long)

"""Waiting on every reactor, and what is done when something has come."""

import asyncio
import inspect
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred

from filtered_websocket.chain.deferreds import start
from filtered_websocket.chain.interfaces import Pipeline
from filtered_websocket.chain.outcomes import CANCELLED, report
from filtered_websocket.errors import StorageAway
from filtered_websocket.filters.socketio.acknowledgements import NoAnswer


def running_loop() -> asyncio.AbstractEventLoop | None:
    """The loop of asyncio that runs now; None on another reactor."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


async def settled(waited: Deferred[Any]) -> Any:
    """Wait for a Deferred, also in a task that asyncio itself has begun."""
    loop = None if waited.called else running_loop()
    return await (waited if loop is None else waited.asFuture(loop))


async def told(pipeline: Pipeline, waited: Deferred[Any]) -> None:
    """Wait until the bus has something. While the storage object is away it is lost, as with python-socketio: counted.
    A background task that emits every so often outlives that."""
    try:
        await settled(waited)
    except StorageAway:
        pipeline.server.counters.count("dropped", "socketio: the storage object is away")


def those_given(failure: Any) -> Any:
    """Of a call that some have not answered, the answers that have come."""
    failure.trap(NoAnswer)
    return failure.value.answers


def call_back(pipeline: Pipeline, callback: Callable[..., Any], answers: list[list[Any]]) -> None:
    """Call an application's callback with each of these answers. A failure is reported."""

    async def run() -> None:
        for given in answers:
            try:
                result = callback(*given)
                if inspect.isawaitable(result):
                    await result
            except CANCELLED:
                raise
            except Exception as error:
                report(pipeline.server.counters, error, reason="callback")

    start(run())

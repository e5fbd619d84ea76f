"""The chains of a session: of what is to filters a connection, and has none of its own."""

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred

from filtered_websocket.chain.ending import Ending
from filtered_websocket.chain.failures import check_greeting
from filtered_websocket.chain.running import limit_time, run
from filtered_websocket.messages.message import in_binary_message


async def run_event(
    session: Ending,
    event: str,
    data: Any = None,
    *,
    binary: bool = False,
    waits: Callable[["Deferred[Any]"], object] = lambda waiting: None,
) -> None:
    """Run a chain of its pipeline on a session, as a connection runs it: a message is counted, and a filter that is
    awaited has ``filter_timeout``.

    :param event: ``connect`` or ``message``
    :param data: what the chain gets; of a message, its payload
    :param binary: the kind of the message
    :param waits: told of what is awaited, if a filter is, so that it can be cancelled
    :raises BaseException: whatever a filter raises, signals included; TimeoutError or StorageAway, if it took too long
    """
    pipeline = session.pipeline
    steps = pipeline.chains[event]
    if event == "message":
        pipeline.messages_in += 1
        pipeline.bytes_in += len(data)
    kind = in_binary_message.set(binary)
    try:
        result = run(steps, session, data)
        if isinstance(result, Deferred):
            waits(result)
            limit_time(result, pipeline.options.filter_timeout, pipeline.server.reactor, pipeline.storage_object)
            result = await result
        if event == "connect":
            check_greeting(result, steps)
    finally:
        in_binary_message.reset(kind)

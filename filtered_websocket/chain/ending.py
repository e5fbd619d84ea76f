"""The disconnect chain: of a connection, and of sessions of every kind."""

from collections.abc import Callable
from typing import Any, Protocol

from twisted.internet.defer import Deferred

from filtered_websocket.chain.interfaces import Pipeline
from filtered_websocket.chain.running import limit_time, run
from filtered_websocket.errors import StopChain


class Ending(Protocol):
    """What has ended."""

    @property
    def pipeline(self) -> Pipeline: ...


async def run_to_the_end(ended: Ending, failed: Callable[[BaseException], object]) -> None:
    """Run the disconnect chain.

    1. A filter that fails does not keep the next one from running.
    2. One that raises StopChain does, but for those that take something back (`FilterBase.takes_back`): nobody else
       would. Where one of these raises it, it knows that those behind it hold nothing: they did not hear of the begin.

    :param failed: told of what a filter raises
    """
    pipeline, data, is_stopped = ended.pipeline, None, False
    for step, each in zip(pipeline.chains["disconnect"], pipeline.filters["disconnect"], strict=True):
        if is_stopped and not each.takes_back:
            continue
        try:
            result: Any = run((step,), ended, data)
            if isinstance(result, Deferred):
                limit_time(result, pipeline.options.filter_timeout, pipeline.server.reactor)
                result = await result
            data = result
        except StopChain:
            if each.takes_back:
                return
            is_stopped = True
        except BaseException as error:
            failed(error)

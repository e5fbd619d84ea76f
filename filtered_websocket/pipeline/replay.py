"""What history gives back runs through the consumer chain again, for the clients that missed it."""

from collections.abc import Sequence

from twisted.internet.defer import Deferred

from filtered_websocket.chain.deferreds import start
from filtered_websocket.chain.interfaces import Pipeline
from filtered_websocket.chain.running import limit_time, run
from filtered_websocket.messages.publication import Publication, Replayed
from filtered_websocket.pipeline.consumer import left_of, placed, tell_failure
from filtered_websocket.pipeline.tail import FAILED


def replay(pipeline: Pipeline, publications: Sequence[Publication]) -> "Deferred[list[Publication | None]]":
    """What the consumer chain leaves of publications, one after the other.

    :param publications: as storage has them
    :returns: None in place of one that it drops, `FAILED` of one on which a filter fails
    """
    return start(_replay(pipeline, publications))


async def _replay(pipeline: Pipeline, publications: Sequence[Publication]) -> list[Publication | None]:
    prefix = len(pipeline.prefix)
    # Storage may keep the very objects that it gives.
    again = [
        Replayed(each.channel[prefix:], each.messages, each.exclude, each.position, each.besides)
        for each in publications
    ]
    return [await _left(pipeline, each) for each in again] if pipeline.chains["consumer"] else [*again]


async def _left(pipeline: Pipeline, item: Publication) -> Publication | None:
    position = item.position
    assert position is not None
    try:
        result = run(pipeline.chains["consumer"], pipeline, item)
        if isinstance(result, Deferred):
            limit_time(result, pipeline.options.filter_timeout, pipeline.server.reactor)
            result = await result
        left = left_of(result, item, pipeline)
    except BaseException as error:
        return FAILED if tell_failure(pipeline, error) else None
    return placed(left, position) if left.channel == item.channel else None

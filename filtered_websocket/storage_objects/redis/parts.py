"""What is asked for everything that a node holds or follows is asked in parts: meanwhile clients are served, by this
node and by Redis."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, gatherResults, inlineCallbacks

from filtered_websocket.storage_objects.redis import replies

T = TypeVar("T")
PART = 200
"""Entries of one part. A part has been answered before the next one is asked for."""


def parts(things: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(things), PART):
        yield things[start : start + PART]


def together(asked: Sequence[Deferred[Any]]) -> Deferred[list[Any]]:
    """All replies, or the first error, as it is."""
    return gatherResults(asked, consumeErrors=True).addErrback(replies.first_error)


@inlineCallbacks
def in_parts(ask: Callable[[T], Deferred[Any]], things: Sequence[T]) -> Any:
    """
    :param ask: asks for one of them
    :returns: a Deferred of the replies, in the order of the things; it fails with the first error, and what is left is
        not asked
    """
    found: list[Any] = []
    for part in parts(things):
        found += yield together([ask(thing) for thing in part])
    return found

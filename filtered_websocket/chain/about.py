"""What a line of the log is about: the connection, or the pipeline, whose chain runs.

It is found in the frames when there is a line. So a chain keeps no books of it, and costs nothing more.
"""

import sys
import traceback
from collections.abc import Iterable, Iterator
from types import FrameType
from typing import Any

from filtered_websocket.chain import running
from filtered_websocket.chain.request import TraceParent

_RUNS = (running.run.__code__, running._finish.__code__)


def now() -> dict[str, str]:
    """Of the chain that runs now, the innermost first; empty outside all."""
    return next(_found(_outwards(sys._getframe(1))), {})


def trace() -> TraceParent | None:
    """The trace that the client is part of whose chain runs now; what that chain asks of others belongs to it."""
    for frame in _outwards(sys._getframe(1)):
        if frame.f_code in _RUNS:
            try:
                return _trace_of(frame.f_locals["instance"])
            except Exception:
                return None  # a property of the author's own: the call is made all the same
    return None


def of_failure(error: BaseException) -> dict[str, str]:
    """Of the chain that an exception came out of."""
    found = list(_found(frame for frame, _ in traceback.walk_tb(error.__traceback__)))
    return found[-1] if found else {}


def _outwards(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _found(frames: Iterable[FrameType]) -> Iterator[dict[str, str]]:
    for frame in frames:
        if frame.f_code in _RUNS:
            try:
                yield _of(frame.f_locals["instance"])
            except Exception:
                yield {}  # a property of the author's own: no line is lost over it


def _of(instance: Any) -> dict[str, str]:
    """Of what a filter gets: a connection, a client of a pack, a pipeline, or anything in a chain of one's own."""
    about = {"connection": getattr(instance, "id", None), "user": getattr(instance, "user", None)}
    name = getattr(getattr(instance, "pipeline", instance), "name", None)
    about["pipeline"] = "*" if name == "" else name
    trace = _trace_of(instance)
    about["trace_id"] = None if trace is None else trace.trace_id
    return {field: value for field, value in about.items() if isinstance(value, str) and value}


def _trace_of(instance: Any) -> TraceParent | None:
    found: TraceParent | None = getattr(getattr(instance, "request", None), "traceparent", None)
    return found

"""What went wrong in a filter, told so that authors see their own code: the framework's frames are left out."""

import inspect
import os
import traceback
from types import TracebackType
from typing import Any

import twisted

import filtered_websocket

_OURS = tuple(os.path.join(os.path.abspath(package.__path__[0]), "") for package in (filtered_websocket, twisted))
_FILTERS = os.path.join(_OURS[0], "filters") + os.sep


def _is_ours(trace: TracebackType) -> bool:
    """Whether a frame is the framework's. The bundled filters are filters like anybody's."""
    name = os.path.abspath(trace.tb_frame.f_code.co_filename)
    return name.startswith(_OURS) and not name.startswith(_FILTERS)


def _users(error: BaseException) -> TracebackType | None:
    trace = error.__traceback__
    while trace is not None and _is_ours(trace):
        trace = trace.tb_next
    return trace


def _awaited(error: BaseException) -> Any:
    """The filter that was awaited when an exception came (`filters.base`), None if none was."""
    return getattr(error, "filter_step", None)


def culprit(error: BaseException) -> str:
    """The filter an exception came out of, as ``module.Class.filter``."""
    step = _awaited(error)
    if step is not None:
        return f"{getattr(step, '__module__', '?')}.{getattr(step, '__qualname__', step)}"
    trace = _users(error)
    if trace is None:
        return "a filter"
    frame = trace.tb_frame
    return f"{frame.f_globals.get('__name__', '?')}.{frame.f_code.co_qualname}"


def users_traceback(error: BaseException) -> str:
    """The traceback from the first frame that is not the framework's.

    A filter that returned a Deferred has no frame in it: then its definition stands in front.
    """
    trace, step = _users(error), _awaited(error)
    code = getattr(inspect.unwrap(step), "__code__", None) if step is not None else None
    if code is None or (trace is not None and trace.tb_frame.f_code is code):
        shown = traceback.format_exception(type(error), error, trace if trace is not None else error.__traceback__)
    else:
        shown = ["Traceback (most recent call last):\n"]
        shown += traceback.format_list([traceback.FrameSummary(code.co_filename, code.co_firstlineno, code.co_name)])
        shown += [*traceback.format_tb(trace), *traceback.format_exception_only(error)]
    if isinstance(error, RuntimeError) and str(error) == "no running event loop":
        shown.append("To await what is asyncio's, start with --reactor asyncio\n")
    return "".join(shown)

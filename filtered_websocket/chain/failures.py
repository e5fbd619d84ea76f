"""What went wrong in a filter, told so that authors see their own code: the framework's frames are left out."""

import inspect
import os
import traceback
from collections.abc import Sequence
from types import TracebackType
from typing import Any

import twisted

from filtered_websocket import errors
from filtered_websocket.chain.definition import name_of, place_of

_OURS = tuple(os.path.join(os.path.dirname(os.path.abspath(file)), "") for file in (errors.__file__, twisted.__file__))
_FILTERS = os.path.join(_OURS[0], "filters") + os.sep

_RUNNING = "filtered_websocket.chain.running"
"""The module that imports this one."""

_NO_LOOP = ("no running event loop", "'NoneType' object has no attribute 'create_future'")
"""What asyncio says where no loop runs; the second is what its locks, events and queues come to."""

_LOOP = 'To await what is asyncio\'s, start with --reactor asyncio, in tests Server(..., reactor="asyncio")'


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


def _run(error: BaseException) -> Any:
    """The innermost filter that ran when an exception came, as of a chain that a pack runs from within its own."""
    step, trace = None, error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        if code.co_name == "run" and trace.tb_frame.f_globals.get("__name__") == _RUNNING:
            step = trace.tb_frame.f_locals.get("step", step)
        trace = trace.tb_next
    return step


def culprit(error: BaseException) -> str:
    """The filter an exception came out of, as ``module.Class.filter``."""
    step = _awaited(error) or _run(error)
    if step is not None:
        return name_of(step)
    trace = _users(error)
    if trace is None:
        return "a filter"
    frame = trace.tb_frame
    return f"{frame.f_globals.get('__name__', '?')}.{frame.f_code.co_qualname}"


def kind_of(error: BaseException) -> tuple[str, str, int, int]:
    """What tells one failure from another: the filter, the exception's type, and the line of the author's code that
    raised it, with that code: a reload may have changed what stands there."""
    name, trace, line, code = culprit(error), _users(error), 0, 0
    while trace is not None:
        if not _is_ours(trace):
            line, code = trace.tb_lineno, hash(trace.tb_frame.f_code)
        trace = trace.tb_next
    return name, type(error).__name__, line, code


def raised_at(error: BaseException) -> str:
    """The place in the author's code, as `` (FILE, line NUMBER)``; "" if there is none."""
    trace, place = _users(error), ""
    while trace is not None:
        if not _is_ours(trace):
            place = f" ({trace.tb_frame.f_code.co_filename}, line {trace.tb_lineno})"
        trace = trace.tb_next
    return place


def unusable(result: object, wanted: str, chain: Sequence[Any]) -> TypeError:
    """The failure of a chain whose end is nothing that can go on.

    :param wanted: what could
    :param chain: the steps, of which one has returned it: which one, nobody has recorded
    """
    one = "" if len(chain) == 1 else "one of "
    names = ", ".join(f"{name_of(step)}{place_of(step)}" for step in chain)
    error = TypeError(f"{one}{names} returned {type(result).__name__}, and {wanted} is wanted")
    if len(chain) == 1:
        error.filter_step = chain[0]  # type: ignore[attr-defined]
    return error


def check_decision(result: object, request: object, chain: Sequence[Any]) -> None:
    """Nobody looks at what a handshake chain ends with. So it is to end with what it began with: a filter that returns
    False means to refuse, and would let in.

    :raises TypeError: it ends with anything else
    """
    if result is not request:
        raise unusable(result, "None (raise Reject to refuse)", chain)


def check_greeting(result: object, chain: Sequence[Any]) -> None:
    """The same of a connect chain, where filters return what `subscribe` gives, so that it is awaited.

    :raises TypeError: it ends with False
    """
    if result is False:
        raise unusable(result, "None (raise Close to end it)", chain)


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
    if isinstance(error, (RuntimeError, AttributeError)) and str(error) in _NO_LOOP:
        shown.append(f"{_LOOP}\n")
    return "".join(shown)

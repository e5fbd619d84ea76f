"""What a filter's class statement has to say, and what is told of one that does not: one line, with the place.

A class without a ``filter`` of its own may still become the base of others. So that is asked when loading has ended
(`pipeline.mistakes`); all else when the class is defined.
"""

import inspect
import os
from collections.abc import Callable
from difflib import get_close_matches
from types import FunctionType
from typing import Any

from filtered_websocket.errors import ConfigError

_BOUND = ("cls", "self")
_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def name_of(step: Any) -> str:
    """A filter, or its class, as ``module.Class.filter``, ``module.Class``."""
    step = inspect.unwrap(step)  # what times or traces a filter stands around it
    use = getattr(step, "__self__", None)
    if getattr(use, "use", ""):
        return f"{name_of(use)}.filter"  # which of several uses it is, only its class says
    return f"{getattr(step, '__module__', '?')}.{getattr(step, '__qualname__', step)}"


def place_of(what: Any) -> str:
    """Where a function or class stands, as `` (FILE, line NUMBER)``; "" if nobody knows."""
    code = getattr(inspect.unwrap(getattr(what, "__func__", what)), "__code__", None)
    if code is not None:
        return f" ({_short(code.co_filename)}, line {code.co_firstlineno})"
    try:
        file = inspect.getsourcefile(what)
        return f" ({_short(file)}, line {inspect.getsourcelines(what)[1]})" if file else ""
    except (OSError, TypeError):
        return ""


def _short(file: str) -> str:
    """The path as it is shortest from here."""
    inside = os.path.join(os.getcwd(), "")
    return file.removeprefix(inside)


def check(cls: type, any_number: bool) -> None:
    """Refuse a class whose ``filter`` cannot be called as one.

    :param any_number: its chain calls it with as many arguments as an event has, so that their number is nothing to
        refuse
    :raises ConfigError: it can be called neither with an instance and data, nor with the instance alone
    """
    function: Any = cls.filter  # type: ignore[attr-defined]
    if not callable(function):
        raise ConfigError(f"{name_of(cls)}.filter is no classmethod but {function!r}{place_of(cls)}")
    called = _signature(function, False)
    fits = any_number or _fits(called, arguments_of(function))
    if isinstance(inspect.getattr_static(cls, "filter"), FunctionType) and (_first(called) in _BOUND or not fits):
        raise ConfigError(f"{name_of(function)} needs @classmethod above it{place_of(function)}")
    if not fits:
        raise ConfigError(
            f"{name_of(function)} takes {_as_written(function, called)}, and is called with (cls, instance, data), or "
            f"without data if it takes none{place_of(function)}"
        )


def arguments_of(function: Callable[..., Any]) -> int:
    """How many arguments a ``filter`` is called with: 2, or 1 if it takes the instance alone."""
    signature = _signature(function, False)
    if signature is None or _takes_all(signature):
        # A decorator that takes whatever comes leaves that to what it decorates.
        signature = _signature(function, True)
    return 1 if signature is not None and not _takes_all(signature) and _positional(signature) == 1 else 2


def _signature(function: Callable[..., Any], decorated: bool) -> inspect.Signature | None:
    """
    :param decorated: that of what decorators stand around
    :returns: None where nobody knows: of a builtin, say
    """
    try:
        return inspect.signature(function, follow_wrapped=decorated)
    except (TypeError, ValueError):
        return None


def _positional(signature: inspect.Signature) -> int:
    return sum(each.kind in _POSITIONAL for each in signature.parameters.values())


def _first(signature: inspect.Signature | None) -> str | None:
    return next(iter(signature.parameters), None) if signature is not None else None


def _takes_all(signature: inspect.Signature) -> bool:
    return any(each.kind is each.VAR_POSITIONAL for each in signature.parameters.values())


def _as_written(function: Callable[..., Any], signature: inspect.Signature | None) -> str:
    parameters = () if signature is None else signature.parameters.values()
    names = [str(each.replace(annotation=each.empty)) for each in parameters]
    return "({})".format(", ".join(["cls", *names] if inspect.ismethod(function) else names))


def _fits(signature: inspect.Signature | None, count: int) -> bool:
    try:
        if signature is not None:
            signature.bind(*[None] * count)
    except TypeError:
        return False
    return True


def no_filter(cls: type) -> ConfigError | None:
    """What is told of a class that is a filter by its base, and has no ``filter``; None if it says what is the chain's
    matter all the same: a connect filter of Socket.IO makes a namespace."""
    bases = [base for base in cls.__mro__[:-1] if "_filters" not in vars(base)]
    named = {name: value for base in reversed(bases) for name, value in vars(base).items() if not name.startswith("__")}
    methods = [name for name, value in named.items() if callable(getattr(value, "__func__", value)) and name != "step"]
    nearest = {name.lower().strip("_"): name for name in methods if name != "filter"}
    for match in get_close_matches("filter", nearest, 1):
        found = getattr(cls, nearest[match])
        return ConfigError(f"{name_of(cls)} has no filter: is {nearest[match]} meant to be it?{place_of(found)}")
    declared = {name for base in cls.__mro__[:-1] if "_filters" in vars(base) for name in vars(base)}
    if any(name in declared for name in named):
        return None
    return ConfigError(
        f"{name_of(cls)} has no filter: a classmethod of that name is wanted, or abstract=True behind the base class"
        f"{place_of(cls)}"
    )

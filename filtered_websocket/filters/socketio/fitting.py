"""Handlers of connect and disconnect take fewer arguments than there are, or more: python-socketio's have changed."""

import inspect
from collections.abc import Callable
from typing import Any

Handler = Callable[..., Any]


def fitting(handler: Handler, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    """As many of the arguments of connect or disconnect as a handler takes; None for one that it needs besides."""
    try:
        parameters = inspect.signature(handler).parameters.values()
    except ValueError:  # written in C
        return arguments
    positional = [each for each in parameters if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)]
    if any(each.kind == each.VAR_POSITIONAL for each in parameters):
        return arguments
    needed = sum(each.default is each.empty for each in positional)
    return (arguments + (None,) * (needed - len(arguments)))[: len(positional)]

"""What a filter makes of the options of one of its uses, as they are now."""

from collections.abc import Callable, Iterable
from typing import Any, Protocol, TypeVar

from filtered_websocket.chain.interfaces import Options

Made = TypeVar("Made")


class Use(Protocol):
    """A filter, as one use has it.

    :ivar state: what all filters of the use have
    """

    state: dict[str, Any]
    options: Options


def made_of(use: Use, names: Iterable[str], make: Callable[[Options, Made | None], Made]) -> Made:
    """What was made of the options of a use; made anew where one of them has another value: a reload gives the use
    others, and starts it no anew.

    :param names: of the options that it is made of
    :param make: what makes it: of the options, and what was made of those before, None at first
    :raises Exception: what `make` raises; then it is made at the next call
    """
    state, options = use.state, use.options
    if state.get("options") is not options:
        values = [getattr(options, name) for name in names]
        if state.get("values") != values:
            state["made"] = make(options, state.get("made"))
        state["options"], state["values"] = options, values
    made: Made = state["made"]
    return made

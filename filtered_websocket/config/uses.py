"""A use of a filter module: its place in a chain, and the options that count there alone.

It is written as the module's name; with options behind it, as a URL has a query, ``module?name=value&other=value``; in
JSON also as ``{"filter": "module", "name": value}``.
"""

import json
from collections.abc import Iterable
from typing import Any, NamedTuple
from urllib.parse import unquote

from filtered_websocket.config.option import Options
from filtered_websocket.config.parsers import UnshownError, text, words
from filtered_websocket.errors import printable

WANTED = (
    'filter modules are wanted, in JSON a list of names and of objects such as {"filter": "module", "option": value}'
)
SHOWN = 40
"""Characters of a value that a name shows."""


class Use(NamedTuple):
    """One use.

    :param module: the filter module's name
    :param written: the options that were written for it -> their values as they were written
    :param options: the pipeline's, with those; None where there are none
    """

    module: str
    written: tuple[tuple[str, Any], ...] = ()
    options: Options | None = None

    def __str__(self) -> str:
        return self.module + self.suffix

    @property
    def suffix(self) -> str:
        """What tells it from other uses of its module: its options, secrets hidden; "" where it has none."""
        secret = set() if self.options is None else {option.name for option, _, _ in self.options if option.secret}
        shown = (f"{name}={'***' if name in secret else _shown(value)}" for name, value in self.written)
        return f"?{'&'.join(shown)}" if self.written else ""


def _shown(value: Any) -> str:
    whole = printable(value if isinstance(value, str) else json.dumps(value))
    return whole if len(whole) <= SHOWN else whole[: SHOWN - 1] + "…"


def uses(value: Any) -> list[Use]:
    """The parser of an option, or of a pipeline's ``filters``. A text is split at its blanks."""
    items = value.split() if isinstance(value, str) else value
    if not isinstance(items, list | tuple):
        raise ValueError(WANTED)
    return [
        each if isinstance(each, Use) else _written(each) if isinstance(each, dict) else _read(each) for each in items
    ]


def _read(item: Any) -> Use:
    """One that is a text. Its options are decoded as a path is, where + is a plus."""
    try:
        module, _, query = text(item).partition("?")
    except ValueError:
        raise ValueError(WANTED) from None
    return Use(module, _once((unquote(name), unquote(value)) for name, value in _pairs(module, query)))


def _pairs(module: str, query: str) -> Iterable[tuple[str, str]]:
    for part in query.split("&") if query else ():
        name, equals, value = part.partition("=")
        if not name or not equals:
            raise UnshownError(f"{module}: options are wanted as ?name=value&other=value")
        yield name, value


def _written(item: dict[str, Any]) -> Use:
    if not isinstance(item.get("filter"), str):
        raise ValueError(WANTED)
    module = words(item["filter"])
    if len(module) != 1 or "?" in module[0]:
        raise UnshownError('"filter" names one module, and its options stand beside it')
    return Use(module[0], _once((name, value) for name, value in item.items() if name != "filter"))


def _once(pairs: Iterable[tuple[str, Any]]) -> tuple[tuple[str, Any], ...]:
    found = tuple(pairs)
    names = [name for name, _ in found]
    if twice := next((name for name in names if names.count(name) > 1), ""):
        raise UnshownError(f"the option {json.dumps(twice)} is there twice")
    return found

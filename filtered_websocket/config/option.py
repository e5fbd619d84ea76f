"""What an option is, what values it may have, and the options of a server that runs.

An ``Option`` is declared once, beside what it governs. Its flag, its environment name, its JSON key, its help and its
documentation are made from that.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal, NamedTuple, NoReturn

from filtered_websocket.config.parsers import Parser, UnshownError
from filtered_websocket.errors import ConfigError


# eq=False: an option is itself only. Two declarations with equal fields are still two, and a default may be a list.
@dataclass(frozen=True, eq=False)
class Option:
    """One option.

    :param name: the JSON key; ``--name`` is its flag, ``FWS_NAME`` its environment name
    :param parse: takes the text of a flag or of the environment (a list of texts from the flag of a ``many``), or any
        JSON value; gives the value, or raises ValueError with a sentence that says what is wanted. The sentence does
        not repeat the value, which may be a secret.
    :param default: used as it is, not parsed
    :param help: one line
    :param unit: of the value, such as ``bytes``
    :param flags: further spellings, such as ``-p``
    :param many: takes any number of words
    :param scope: ``pipeline`` if one entry of "pipelines" may have a value of its own; ``use`` if each use of its
        filter module may, whose filters read it as ``cls.options``
    :param secret: never shown, wherever it came from
    :param switch: its flag takes no value; ``--name=false`` still does, to overrule the file
    :param environment: further environment names, which count less than ``FWS_NAME``
    :param limits: it is a limit of which 0 means none: the banner says where it is off
    :param at_start: read once; a reload that would change it says that this takes a restart
    :param required: has no default: it must be given
    :param fills: gives, for a value, values of other options: their name -> the value and the place it stands at, for
        faults. They count more than defaults and less than all that is given.
    """

    name: str
    parse: Parser
    default: Any
    help: str
    unit: str = ""
    flags: tuple[str, ...] = ()
    many: bool = False
    scope: Literal["server", "pipeline", "use"] = "server"
    secret: bool = False
    switch: bool = False
    environment: tuple[str, ...] = ()
    limits: bool = False
    at_start: bool = False
    required: bool = False
    fills: Callable[[Any], Mapping[str, tuple[Any, str]]] | None = None

    @property
    def spellings(self) -> tuple[str, ...]:
        """All flags, ``--name`` last."""
        return (*(flag for flag in self.flags if flag != f"--{self.name}"), f"--{self.name}")

    @property
    def variable(self) -> str:
        return f"FWS_{self.name.upper()}"


class Given(NamedTuple):
    """A value as it was given; ``source`` is what ``Options.source`` will say, ``place`` what a fault calls it."""

    option: Option
    value: Any
    source: str
    place: str

    def parsed(self) -> Any:
        """The value. Raises ConfigError with one line."""
        try:
            return self.option.parse(self.value)
        # TypeError too, so that a plain int or float serves as a parser.
        except (TypeError, ValueError) as error:
            # A list or an object is long, and may hold the secrets of whatever it describes.
            hidden = self.option.secret or isinstance(error, UnshownError)
            plain = not hidden and isinstance(self.value, str | int | float | None)
            got = f", not {json.dumps(self.value)}" if plain else ""
            raise ConfigError(f"{self.place}: {error}{got}") from None


class Refused(Given):
    """One that cannot count; the value says why."""

    def parsed(self) -> Any:
        raise ConfigError(self.value)


class Original(NamedTuple):
    """What the server that a pack replaces was configured with. Counts only while that pack is the only one.

    :param environment: its environment name -> the name of our option
    :param flags: its flag as it is typed -> the name of our option
    :param gathered: what its environment names begin with where they are too many to be listed, and the name of our
        option that takes all that there are, as an object
    """

    pack: str
    port: int
    environment: Mapping[str, str] = {}
    flags: Mapping[str, str] = {}
    gathered: tuple[str, str] | None = None


class Options:
    """The value of every option, as an attribute; frozen.

    Iterating gives ``(option, value, source)``, and of a secret its true value: ask ``option.secret`` before you print.
    """

    # Values lie in the instance's dictionary, so that reading one costs what any attribute costs.
    def __init__(self, entries: Iterable[tuple[Option, Any, str]]) -> None:
        entries = tuple(entries)
        self.__dict__["_entries"] = {option.name: (option, source) for option, _, source in entries}
        self.__dict__.update({option.name: value for option, value, _ in entries})

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f'there is no option "{name}"{nearest(name, self.__dict__.get("_entries", ()))}')

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise AttributeError("options are frozen; use replace()")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError("options are frozen; use replace()")

    def __iter__(self) -> Iterator[tuple[Option, Any, str]]:
        for name, (option, source) in self._entries.items():
            yield option, self.__dict__[name], source

    def __repr__(self) -> str:
        shown = (f"{o.name}={'***' if o.secret and value else repr(value)}" for o, value, _ in self)
        return f"Options({', '.join(shown)})"

    def source(self, name: str) -> str:
        """Where the value came from: ``default``, the file, ``FWS_NAME``, ``--name``, or ``replace``."""
        if name not in self._entries:
            self.__getattr__(name)
        source: str = self._entries[name][1]
        return source

    def replace(self, **values: Any) -> "Options":
        """The same options with other values, which are not parsed. Raises AttributeError for unknown names."""
        return self.overridden({name: (value, "replace") for name, value in values.items()})

    def overridden(self, entries: Mapping[str, tuple[Any, str]]) -> "Options":
        """As ``replace``, of ``name -> (value, source)``."""
        for name in entries.keys() - self._entries.keys():
            self.__getattr__(name)
        return Options((o, *entries.get(o.name, (value, source))) for o, value, source in self)


def nearest(name: str, names: Iterable[str]) -> str:
    """The end of a sentence that refuses ``name``."""
    matches = get_close_matches(name, names, n=1)
    return f"; did you mean {json.dumps(matches[0])}?" if matches else ""


Sourced = tuple[Any, str]  # a value and where it came from

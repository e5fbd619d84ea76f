"""What was given to a program: in a JSON file, in the environment, and by flags. What is read later counts more."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from filtered_websocket.config import command_line
from filtered_websocket.config.declarations import CONFIG, PIPELINES
from filtered_websocket.config.option import Given, Option, Refused, nearest
from filtered_websocket.config.parsers import read_object
from filtered_websocket.config.pipelines import Entry
from filtered_websocket.config.registry import Registry
from filtered_websocket.config.service_links import ServiceLinks
from filtered_websocket.config.uses import Use, uses
from filtered_websocket.errors import ConfigError, printable


class Sources:
    """The sources of values.

    :param registry: the options that they may name
    :ivar path: of the file, "" for none; what faults call it
    :ivar document: what it holds
    """

    def __init__(self, argv: Sequence[str], environ: Mapping[str, str], registry: Registry) -> None:
        self.path = ""
        self.document: dict[str, Any] = {}
        self._argv, self._environ, self._registry = argv, environ, registry
        self._links = ServiceLinks(environ)

    def read_file(self, path: str) -> None:
        """Read the JSON file.

        :raises ConfigError: it cannot be read, in one line
        """
        self.path = path
        try:
            self.document = read_object(path)
        except OSError as error:
            raise ConfigError(f"{path}: {error.strerror}") from None
        except ValueError as error:
            raise ConfigError(f"{path}: {error}") from None

    def given(self, faults: list[ConfigError], odd: list[str]) -> Iterator[Given]:
        """Each value given, those that count least first.

        :param odd: filled with what is passed over, one line each
        """
        yield from self._from_file(faults)
        yield from self._from_environment(odd)
        refused = self._registry.refused_flags()
        ours_of = {flag: " or ".join(option.spellings[-1] for option in options) for flag, options in refused.items()}
        yield from command_line.read(self._argv, self._registry.flags(), ours_of, faults)

    def unknown_variables(self) -> list[str]:
        """What to say of environment names that look like ours and are not, one line each."""
        known = self._registry.variables(self._environ)
        known_or_link = known.keys() | self._links.names
        unknown = [name for name in self._environ if name.startswith("FWS_") and name not in known_or_link]
        return [printable(f"unknown environment name {name}{nearest(name, known)}") for name in unknown]

    def secrets_in_file(self, entries: list[Entry]) -> Iterator[str]:
        """What the file holds that is secret, also where a flag overrules it."""
        flags = self._registry.own_flags()
        within = [(f"pipelines.{at[0]}.", own) for at, _, own in entries] if "pipelines" in self.document else []
        places = [("", self.document), *within]
        places += [(f"{place}filters: {use.module}.", dict(use.written)) for place, own in places for use in _uses(own)]
        for place, written in places:
            for key, value in written.items():
                option = flags.get(f"--{key}")
                if option and option.secret and option is not PIPELINES and value:
                    yield f"{place}{key}"

    def _from_file(self, faults: list[ConfigError]) -> Iterator[Given]:
        flags, path = self._registry.own_flags(), self.path
        for key, value in self.document.items():
            option = flags.get(f"--{key}")
            if key == "flags":
                yield from self._from_switches(value, flags, faults)
            elif option is CONFIG:
                faults.append(ConfigError(f"{path}: config: a file cannot name another"))
            elif option:
                yield Given(option, value, path, f"{path}: {key}")
            else:
                known = nearest(key, self._registry.options)
                faults.append(ConfigError(f"{path}: unknown option {json.dumps(key)}{known}"))

    def _from_switches(self, listed: Any, flags: Mapping[str, Option], faults: list[ConfigError]) -> Iterator[Given]:
        place = f"{self.path}: flags"
        if not isinstance(listed, list) or not all(isinstance(name, str) for name in listed):
            faults.append(ConfigError(f"{place}: a list of options without a value is wanted"))
            return
        for name in listed:
            # As in the original "compression"; "--compression" and "-v" say the same.
            option = flags.get(name) or flags.get(f"--{name}")
            if option and option.switch:
                yield Given(option, True, self.path, place)
            elif option:
                faults.append(ConfigError(f"{place}: the option {json.dumps(name)} takes a value"))
            else:
                known = nearest(name, self._registry.options)
                faults.append(ConfigError(f"{place}: unknown option {json.dumps(name)}{known}"))

    def _from_environment(self, odd: list[str]) -> Iterator[Given]:
        variables, links = self._registry.variables(self._environ), self._links
        for name, options in self._registry.refused_variables().items():
            if self._environ.get(name) and name not in variables and name not in links.names:
                ours = " or ".join(option.variable for option in options)
                says = f"{name} counts only while one pack is loaded; use {ours}"
                yield from (Refused(option, says, name, name) for option in options)
        given = [name for name, value in self._environ.items() if value and name not in links.names]
        for option, names, counts in self._registry.gathered(given):
            says = f"{names[0]} counts only while one pack is loaded"
            found = {name: self._environ[name] for name in names} if counts else says
            yield (Given if counts else Refused)(option, found, names[0], names[0])
        odd += links.warnings(variables)
        for name, option in variables.items():
            if name in self._environ and name not in links.names:
                yield Given(option, self._environ[name], name, name)


def _uses(written: Mapping[str, Any]) -> list[Use]:
    try:
        return uses(written.get("filters", ()))
    except ValueError:
        return []  # a fault tells of it

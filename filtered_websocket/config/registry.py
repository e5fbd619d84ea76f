"""The options declared so far, and the names they go by: flags, environment names, and the names that the server of an
original had, which a pack replaces.
"""

import argparse
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from filtered_websocket.config.command_line import ASKED, from_action
from filtered_websocket.config.option import Option, Options, Original
from filtered_websocket.errors import ConfigError


class Registry:
    """Options and their owners.

    :param prog: the program, which has flags of its own
    :ivar options: each option by its name, in the order of their declaration
    """

    def __init__(self, prog: str) -> None:
        self.options: dict[str, Option] = {}
        self._prog = prog
        self._owners: dict[str, str] = {}
        self._originals: dict[str, Original] = {}

    def declare(self, options: Iterable[Option], owner: str, original: Original | None = None) -> None:
        """Declare options. The same one twice is no fault; another one of its name, or with its flag, is a ConfigError.

        :param owner: what they belong to, such as the name of the module; the title of their group in the help
        :param original: of a pack: what the server was configured with that it replaces
        """
        for option in options:
            known, other = self.options.get(option.name, option), self._owners.get(option.name, owner)
            if known is not option:
                raise ConfigError(f'the option "{option.name}" is declared by {other} and by {owner}')
            if not re.fullmatch(r"[A-Za-z]\w*", option.name) or option.name == "flags" or hasattr(Options, option.name):
                raise ConfigError(f'{owner}: no option can be called "{option.name}"')
            flags = self.own_flags()
            for flag in option.spellings:
                if flag in ASKED or flags.get(flag, option) is not option:
                    other = self._prog if flag in ASKED else self.owner(flags[flag])
                    raise ConfigError(f"the flag {flag} is declared by {other} and by {owner}")
            self.options.setdefault(option.name, option)
            self._owners.setdefault(option.name, owner)
        if original:
            self._originals[original.pack] = original

    def declare_parser(self, function: Callable[[argparse.ArgumentParser], Any], owner: str) -> None:
        """Declare what ``function``, the original's ``StorageObject.parser``, adds to an argparse parser."""
        parser = argparse.ArgumentParser(prog=self._prog, add_help=False, allow_abbrev=False)
        try:
            function(parser)
            options = [from_action(action) for action in parser._actions]
        except (argparse.ArgumentError, ValueError) as error:
            raise ConfigError(f"{owner}: {error}") from error
        self.declare(options, owner)

    def owner(self, option: Option) -> str:
        return self._owners[option.name]

    def by_owner(self) -> dict[str, list[Option]]:
        """The options by owner, in the order of their declaration."""
        owners: dict[str, list[Option]] = {}
        for option in self.options.values():
            owners.setdefault(self.owner(option), []).append(option)
        return owners

    def default(self, option: Option) -> Any:
        only = self._only()
        return only.port if only and option.name == "port" else option.default

    def own_flags(self) -> dict[str, Option]:
        """The flags that options declare."""
        return {flag: option for option in self.options.values() for flag in option.spellings}

    def flags(self) -> dict[str, Option]:
        """The flags that count: those of the only original too."""
        flags, only = self.own_flags(), self._only()
        if only:
            for flag, option in self._known(only.flags).items():
                if flags.setdefault(flag, option) is not option:
                    raise ConfigError(f"the flag {flag} is declared by {self.owner(flags[flag])} and by {only.pack}")
        return flags

    def variables(self, environ: Mapping[str, str]) -> dict[str, Option]:
        """Environment names, those that count least first."""
        only, options = self._only(), self.options.values()
        bare = self._known(only.environment) if only else {}
        # A platform exports PORT= as readily as it leaves it out.
        variables = {name: option for name, option in bare.items() if environ.get(name)}
        variables |= {name: option for option in options for name in option.environment}
        return variables | {option.variable: option for option in options}

    def gathered(self, names: Iterable[str]) -> Iterator[tuple[Option, list[str], bool]]:
        """Environment names of originals that have too many to list them: the option that takes them, and whether
        they count."""
        only = self._only()
        for original in self._originals.values():
            if original.gathered is not None and original.gathered[1] in self.options:
                prefix, option = original.gathered
                found = [name for name in names if name.startswith(prefix)]
                if found:
                    yield self.options[option], found, original is only

    def refused_flags(self) -> dict[str, list[Option]]:
        """Flags of several originals, of which none counts, and our options for each."""
        return self._refused(lambda original: original.flags)

    def refused_variables(self) -> dict[str, list[Option]]:
        """The same of environment names."""
        return self._refused(lambda original: original.environment)

    def misnamed(self) -> Iterator[ConfigError]:
        """A fault for each name of an original that stands for no option."""
        for original in self._originals.values():
            gathered = original.gathered[1:] if original.gathered else ()
            names = {*original.environment.values(), *original.flags.values(), *gathered} - self.options.keys()
            says = f"{original.pack}: its original had a name for what is no option"
            yield from (ConfigError(f'{says}, "{name}"') for name in sorted(names))

    def _only(self) -> Original | None:
        """The original whose names count."""
        return next(iter(self._originals.values())) if len(self._originals) == 1 else None

    def _known(self, names: Mapping[str, str]) -> dict[str, Option]:
        """An original's names, but for those of options that are not declared yet."""
        return {name: self.options[ours] for name, ours in names.items() if ours in self.options}

    def _refused(self, names: Callable[[Original], Mapping[str, str]]) -> dict[str, list[Option]]:
        refused: dict[str, list[Option]] = {}
        for original in self._originals.values() if len(self._originals) > 1 else ():
            for name, option in self._known(names(original)).items():
                if option not in refused.setdefault(name, []):
                    refused[name].append(option)
        return refused

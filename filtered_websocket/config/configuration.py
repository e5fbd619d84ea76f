"""Where the values of options come from: default < JSON file < environment < flag. A wrong value is a fault where it
would count; where another overrules it, it is only said.

Filter modules and storage objects declare options of their own, and which of them are loaded is itself an option. So a
``Configuration`` is used in two phases: ``early`` answers for the options declared so far and overlooks what it does
not know yet; when all is declared, ``resolve`` gives the ``Options`` or names every fault, one line each.
"""

import argparse
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from filtered_websocket.config import command_line
from filtered_websocket.config.command_line import ASKED, from_action
from filtered_websocket.config.declarations import CONFIG, FILTERS, PIPELINES
from filtered_websocket.config.option import (
    Entry,
    Given,
    Option,
    Options,
    Original,
    PipelineConfig,
    Refused,
    Sourced,
    nearest,
    read_pipelines,
)
from filtered_websocket.config.parsers import (
    bearer,
    boolean,
    choice,
    integer,
    json_value,
    listening_address,
    read_object,
    seconds,
    size,
    text,
    words,
)
from filtered_websocket.config.service_links import ServiceLinks, exposed
from filtered_websocket.errors import ConfigError, UsageError, printable

# Who declares options finds everything here.
__all__ = ["Configuration", "Option", "Options", "Original", "PipelineConfig", "UsageError"]
__all__ += [
    "bearer",
    "boolean",
    "choice",
    "integer",
    "json_value",
    "listening_address",
    "seconds",
    "size",
    "text",
    "words",
]


class Configuration:
    """What was given to a program, and the options declared to understand it.

    :param argv: the words of the command line, without the program's name
    :param environ: environment names and values
    :param document: what a file would hold, given in its place by a program that has no file
    :ivar warnings: what ``resolve`` found odd but not wrong, one line each
    """

    def __init__(
        self,
        argv: Sequence[str],
        environ: Mapping[str, str],
        prog: str = "fws_server",
        document: Mapping[str, Any] | None = None,
    ) -> None:
        self.argv, self.environ, self.prog = tuple(argv), dict(environ), prog
        self.warnings: list[str] = []
        self._links = ServiceLinks(environ)
        self._declared: dict[str, tuple[Option, str]] = {}
        self._originals: dict[str, Original] = {}
        self._path, self._document = "", dict[str, Any]()
        self._unreadable: ConfigError | None = None
        self.declare((CONFIG, FILTERS, PIPELINES), prog)
        if document is not None:
            self._path, self._document = prog, dict(document)
            return
        # Kept, not raised: whoever asks for help gets it, whatever the file is like.
        try:
            self._path = self.early(CONFIG) or ""
            self._document = read_object(self._path) if self._path else {}
        except ConfigError as error:
            self._unreadable = error
        except OSError as error:
            self._unreadable = ConfigError(printable(f"{self._path}: {error.strerror}"))
        except ValueError as error:
            self._unreadable = ConfigError(printable(f"{self._path}: {error}"))

    @property
    def asked(self) -> str:
        """What to do instead of serving: "help", "version", "check", or ""."""
        return command_line.asked(self.argv)

    @property
    def declared(self) -> dict[str, list[Option]]:
        """The options by owner, in the order of their declaration."""
        owners: dict[str, list[Option]] = {}
        for option, owner in self._declared.values():
            owners.setdefault(owner, []).append(option)
        return owners

    def declare(self, options: Iterable[Option], owner: str, original: Original | None = None) -> None:
        """Declare options. The same one twice is no fault; another one of its name, or with its flag, is a ConfigError.

        :param owner: whose they are, such as the name of the module; the title of their group in the help
        :param original: of a pack: what the server was configured with that it replaces
        """
        for option in options:
            known, other = self._declared.get(option.name, (option, owner))
            if known is not option:
                raise ConfigError(f'the option "{option.name}" is declared by {other} and by {owner}')
            if not re.fullmatch(r"[A-Za-z]\w*", option.name) or option.name == "flags" or hasattr(Options, option.name):
                raise ConfigError(f'{owner}: no option can be called "{option.name}"')
            flags = self._declared_flags()
            for flag in option.spellings:
                if flag in ASKED or flags.get(flag, option) is not option:
                    other = self.prog if flag in ASKED else self._owner(flags[flag])
                    raise ConfigError(f"the flag {flag} is declared by {other} and by {owner}")
            self._declared.setdefault(option.name, (option, owner))
        if original:
            self._originals[original.pack] = original

    def declare_parser(self, function: Callable[[argparse.ArgumentParser], Any], owner: str) -> None:
        """Declare what ``function``, the original's ``StorageObject.parser``, adds to an argparse parser."""
        parser = argparse.ArgumentParser(prog=self.prog, add_help=False, allow_abbrev=False)
        try:
            function(parser)
            options = [from_action(action) for action in parser._actions]
        except (argparse.ArgumentError, ValueError) as error:
            raise ConfigError(printable(f"{owner}: {error}")) from error
        self.declare(options, owner)

    def early(self, option: Option) -> Any:
        """The value of a declared option while others are not declared yet. Raises ConfigError if it, or the file, is
        wrong."""
        return self._early(option)[0]

    def filter_modules(self) -> tuple[str, ...]:
        """The filter modules of all pipelines, each once, in the order given. Early, as ``early`` is."""
        faults: list[ConfigError] = []
        entries = read_pipelines(self._early(FILTERS), self._early(PIPELINES), faults)
        raise_all(faults)
        return tuple(dict.fromkeys(module for _, filters, _ in entries for module in filters))

    def resolve(self) -> Options:
        """The options. Raises ConfigError with all faults: UsageError if the command line is among them."""
        faults = [self._unreadable] if self._unreadable else []
        self.warnings = self._unknown_variables()
        values: dict[str, Sourced] = {name: (self._default(o), "default") for name, (o, _) in self._declared.items()}
        wrong: dict[str, list[ConfigError]] = {}
        for given in self._given(faults, self.warnings):
            name = given.option.name
            try:
                values[name] = given.parsed(), given.source
            except ConfigError as error:
                wrong.setdefault(name, []).append(error)
                faults.append(error)
                continue
            for lost in wrong.pop(name, ()):
                faults.remove(lost)
                self.warnings.append(f"{lost}; {given.source} overrules it")
        filled = self._filled(values, faults)
        values |= {name: each for name, each in filled.items() if values[name][1] == "default"}
        for original in self._originals.values():
            names = {*original.environment.values(), *original.flags.values()} - self._declared.keys()
            says = f"{original.pack}: its original had a name for what is no option"
            faults += [ConfigError(f'{says}, "{name}"') for name in sorted(names)]
        missing = [o for o, _ in self._declared.values() if o.required and values[o.name][1] == "default"]
        faults += [ConfigError(f"{o.spellings[-1]}: {self._owner(o)} cannot do without it") for o in missing]
        entries = read_pipelines(values["filters"], values["pipelines"], faults)
        source = values["pipelines"][1]
        # The options of one pipeline name no pipelines: what serves a path has no need to see the others.
        options = Options(
            (o, *(((), source) if o is PIPELINES else values[o.name])) for o, _ in self._declared.values()
        )
        pipelines = []
        for patterns, filters, written in entries:
            own = options.overridden(self._overrides(patterns, written, source, faults)) if written else options
            pipelines.append(PipelineConfig(patterns[0] if written else "", patterns, filters, own))
        raise_all(faults)
        self.warnings += exposed(self._path, self._secrets_in_file(entries))
        return options.overridden({"pipelines": (tuple(pipelines), source)})

    def help(self) -> str:
        """The text of ``-h``."""
        defaults = {option.name: self._default(option) for option, _ in self._declared.values()}
        return command_line.help_text(self.prog, self.declared, self._flags(), defaults)

    # What is declared.

    def _owner(self, option: Option) -> str:
        return self._declared[option.name][1]

    def _only(self) -> Original | None:
        """The original whose names count."""
        return next(iter(self._originals.values())) if len(self._originals) == 1 else None

    def _default(self, option: Option) -> Any:
        only = self._only()
        return only.port if only and option.name == "port" else option.default

    def _declared_flags(self) -> dict[str, Option]:
        return {flag: option for option, _ in self._declared.values() for flag in option.spellings}

    def _flags(self) -> dict[str, Option]:
        """Those of the only original too."""
        flags, only = self._declared_flags(), self._only()
        if only:
            for flag, option in self._known(only.flags).items():
                if flags.setdefault(flag, option) is not option:
                    raise ConfigError(f"the flag {flag} is declared by {self._owner(flags[flag])} and by {only.pack}")
        return flags

    def _variables(self) -> dict[str, Option]:
        """Environment names, those that count least first."""
        only, options = self._only(), [option for option, _ in self._declared.values()]
        bare = self._known(only.environment) if only else {}
        # A platform exports PORT= as readily as it leaves it out.
        variables = {name: option for name, option in bare.items() if self.environ.get(name)}
        variables |= {name: option for option in options for name in option.environment}
        return variables | {option.variable: option for option in options}

    def _known(self, names: Mapping[str, str]) -> dict[str, Option]:
        """An original's names, but for those of options that are not declared yet."""
        return {name: self._declared[ours][0] for name, ours in names.items() if ours in self._declared}

    def _unknown_variables(self) -> list[str]:
        known = self._variables()
        known_or_link = known.keys() | self._links.names
        unknown = [name for name in self.environ if name.startswith("FWS_") and name not in known_or_link]
        return [printable(f"unknown environment name {name}{nearest(name, known)}") for name in unknown]

    def _refused(self, names: Callable[[Original], Mapping[str, str]]) -> dict[str, list[Option]]:
        """Names of several originals, of which none counts, and our options for each."""
        refused: dict[str, list[Option]] = {}
        for original in self._originals.values() if len(self._originals) > 1 else ():
            for name, option in self._known(names(original)).items():
                if option not in refused.setdefault(name, []):
                    refused[name].append(option)
        return refused

    # What was given.

    def _early(self, option: Option) -> Sourced:
        if self._unreadable:
            raise self._unreadable
        found: Sourced | None = None
        wrong: ConfigError | None = None
        values: dict[str, Sourced] = {}
        for given in self._given([], []):
            if given.option is option:
                try:
                    found, wrong = (given.parsed(), given.source), None
                except ConfigError as error:
                    wrong = error
            elif given.option.fills is not None:
                try:
                    values[given.option.name] = given.parsed(), given.source
                except ConfigError:
                    continue  # `resolve` tells of it
        if wrong:
            raise wrong
        return found or self._filled(values, []).get(option.name) or (self._default(option), "default")

    def _given(self, faults: list[ConfigError], odd: list[str]) -> Iterator[Given]:
        """Each value given, those that count least first.

        :param odd: filled with what is passed over, one line each
        """
        yield from self._from_file(faults)
        variables = self._variables()
        for name, options in self._refused(lambda original: original.environment).items():
            if self.environ.get(name) and name not in variables and name not in self._links.names:
                ours = " or ".join(option.variable for option in options)
                says = f"{name} counts only while one pack is loaded; use {ours}"
                yield from (Refused(option, says, name, name) for option in options)
        odd += self._links.warnings(variables)
        for name, option in variables.items():
            if name in self.environ and name not in self._links.names:
                yield Given(option, self.environ[name], name, name)
        refused = self._refused(lambda original: original.flags)
        ours_of = {flag: " or ".join(option.spellings[-1] for option in options) for flag, options in refused.items()}
        yield from command_line.read(self.argv, self._flags(), ours_of, faults)

    def _from_file(self, faults: list[ConfigError]) -> Iterator[Given]:
        flags, path = self._declared_flags(), self._path
        for key, value in self._document.items():
            option = flags.get(f"--{key}")
            if key == "flags":
                yield from self._from_switches(value, faults)
            elif option is CONFIG:
                faults.append(ConfigError(f"{path}: config: a file cannot name another"))
            elif option:
                yield Given(option, value, path, f"{path}: {key}")
            else:
                unknown = f"{path}: unknown option {json.dumps(key)}{nearest(key, self._declared)}"
                faults.append(ConfigError(printable(unknown)))

    def _secrets_in_file(self, entries: list[Entry]) -> Iterator[str]:
        """What the file holds that is secret, also where a flag overrules it."""
        flags = self._declared_flags()
        within = entries if "pipelines" in self._document else []
        for place, written in [("", self._document), *((f"pipelines.{at[0]}.", own) for at, _, own in within)]:
            for key, value in written.items():
                option = flags.get(f"--{key}")
                if option and option.secret and option is not PIPELINES and value:
                    yield f"{place}{key}"

    def _from_switches(self, listed: Any, faults: list[ConfigError]) -> Iterator[Given]:
        flags, place = self._declared_flags(), f"{self._path}: flags"
        if not isinstance(listed, list) or not all(isinstance(name, str) for name in listed):
            faults.append(ConfigError(f"{place}: a list of options without a value is wanted"))
            return
        for name in listed:
            # As in the original "compression"; "--compression" and "-v" say the same.
            option = flags.get(name) or flags.get(f"--{name}")
            if option and option.switch:
                yield Given(option, True, self._path, place)
            elif option:
                faults.append(ConfigError(printable(f"{place}: the option {json.dumps(name)} takes a value")))
            else:
                unknown = f"{place}: unknown option {json.dumps(name)}{nearest(name, self._declared)}"
                faults.append(ConfigError(printable(unknown)))

    def _overrides(
        self, patterns: tuple[str, ...], written: dict[str, Any], source: str, faults: list[ConfigError]
    ) -> dict[str, Sourced]:
        """The values of options in one entry of "pipelines"."""
        flags, path = self._declared_flags(), f"pipelines.{' '.join(patterns)}"
        scoped = [name for name, (option, _) in self._declared.items() if option.scope == "pipeline"]
        overrides: dict[str, Sourced] = {}
        for key, value in written.items():
            option = flags.get(f"--{key}")
            try:
                if not option:
                    unknown = f"{source}: unknown option {json.dumps(key)} at {path}{nearest(key, scoped)}"
                    raise ConfigError(printable(unknown))
                if option.scope != "pipeline":
                    whole = f"{source}: the option {json.dumps(key)} at {path} is one of the whole server"
                    raise ConfigError(printable(whole))
                given = Given(option, value, f"{source}: {path}", f"{source}: {path}.{key}")
                overrides[option.name] = given.parsed(), given.source
            except ConfigError as error:
                faults.append(error)
        return {name: each for name, each in self._filled(overrides, faults).items() if name in scoped} | overrides

    def _filled(self, values: Mapping[str, Sourced], faults: list[ConfigError]) -> dict[str, Sourced]:
        """The values that other options fill in, where no other is given."""
        filled: dict[str, Sourced] = {}
        for name, (value, _) in values.items():
            fills = self._declared[name][0].fills
            for target, (raw, place) in fills(value).items() if fills and value is not None else ():
                # A program that is not fws_server has no port, say; and what is given counts more.
                if target not in self._declared or values.get(target, ("", "default"))[1] != "default":
                    continue
                try:
                    filled[target] = Given(self._declared[target][0], raw, name, place).parsed(), name
                except ConfigError as error:
                    faults.append(error)
        return filled


def raise_all(faults: list[ConfigError]) -> None:
    if faults:
        kind = UsageError if any(isinstance(fault, UsageError) for fault in faults) else ConfigError
        # Once each: a wrong -c is found when the file is wanted, and again with the rest.
        raise kind(*dict.fromkeys(line for fault in faults for line in fault.faults))

"""Where the values of options come from: default < JSON file < environment < flag. A wrong value is a fault where it
would count; where another overrules it, it is only said.

Filter modules and storage objects declare options of their own, and which of them are loaded is itself an option. So a
``Configuration`` is used in two phases: ``early`` answers for the options declared so far and overlooks what it does
not know yet; when all is declared, ``resolve`` gives the ``Options`` or names every fault, one line each.
"""

import argparse
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from filtered_websocket.config import command_line
from filtered_websocket.config.declarations import CONFIG, FILTERS, PIPELINES
from filtered_websocket.config.option import Given, Option, Options, Original, Sourced, nearest
from filtered_websocket.config.pipelines import PipelineConfig, read_pipelines
from filtered_websocket.config.registry import Registry
from filtered_websocket.config.service_links import exposed
from filtered_websocket.config.sources import Sources
from filtered_websocket.config.uses import Use
from filtered_websocket.errors import ConfigError, UsageError


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
        self._registry = Registry(prog)
        self._sources = Sources(self.argv, self.environ, self._registry)
        self._unreadable: ConfigError | None = None
        self.declare((CONFIG, FILTERS, PIPELINES), prog)
        if document is not None:
            self._sources.path, self._sources.document = prog, dict(document)
            return
        # Kept, not raised: help is given, whatever the file is like.
        try:
            path = self.early(CONFIG)
            if path:
                self._sources.read_file(path)
        except ConfigError as error:
            self._unreadable = error

    @property
    def asked(self) -> str:
        """What to do instead of serving: "help", "version", "filters", "check", or ""."""
        return command_line.asked(self.argv)

    @property
    def declared(self) -> dict[str, list[Option]]:
        """The options by owner, in the order of their declaration."""
        return self._registry.by_owner()

    def declare(self, options: Iterable[Option], owner: str, original: Original | None = None) -> None:
        """See `Registry.declare`."""
        self._registry.declare(options, owner, original)

    def declare_parser(self, function: Callable[[argparse.ArgumentParser], Any], owner: str) -> None:
        """See `Registry.declare_parser`."""
        self._registry.declare_parser(function, owner)

    def early(self, option: Option) -> Any:
        """The value of a declared option while others are not declared yet. Raises ConfigError if it, or the file, is
        wrong."""
        return self._early(option)[0]

    def filter_modules(self) -> tuple[str, ...]:
        """The filter modules of all pipelines, each once, in the order given. Early, as ``early`` is."""
        faults: list[ConfigError] = []
        entries = read_pipelines(self._early(FILTERS), self._early(PIPELINES), faults)
        raise_all(faults)
        return tuple(dict.fromkeys(use.module for _, uses, _ in entries for use in uses))

    def resolve(self) -> Options:
        """The options. Raises ConfigError with all faults: UsageError if the command line is among them."""
        faults = [self._unreadable] if self._unreadable else []
        self.warnings = self._sources.unknown_variables()
        registry, declared = self._registry, self._registry.options
        values = self._values(faults)
        filled = self._filled(values, faults)
        values |= {name: each for name, each in filled.items() if values[name][1] == "default"}
        faults += registry.misnamed()
        missing = [option for name, option in declared.items() if option.required and values[name][1] == "default"]
        faults += [ConfigError(f"{o.spellings[-1]}: {registry.owner(o)} cannot do without it") for o in missing]
        entries = read_pipelines(values["filters"], values["pipelines"], faults)
        source = values["pipelines"][1]
        # The options of one pipeline name no pipelines: what serves a path has no need to see the others.
        options = Options(
            (option, *(((), source) if option is PIPELINES else values[name])) for name, option in declared.items()
        )
        pipelines = []
        for patterns, uses, written in entries:
            path, place = (f"pipelines.{' '.join(patterns)}", source) if written else ("", values["filters"][1])
            own = options.overridden(self._overrides(path, written, source, faults)) if written else options
            served = tuple(self._use(use, own, f"{path}: " if path else "", place, faults) for use in uses)
            pipelines.append(PipelineConfig(patterns[0] if written else "", patterns, served, own))
        raise_all(faults)
        self.warnings += exposed(self._sources.path, self._sources.secrets_in_file(entries))
        return options.overridden({"pipelines": (tuple(pipelines), source)})

    def help(self) -> str:
        """The text of ``-h``."""
        registry = self._registry
        defaults = {name: registry.default(option) for name, option in registry.options.items()}
        return command_line.help_text(self.prog, registry.by_owner(), registry.flags(), defaults)

    def _early(self, option: Option) -> Sourced:
        if self._unreadable:
            raise self._unreadable
        found: Sourced | None = None
        wrong: ConfigError | None = None
        values: dict[str, Sourced] = {}
        for given in self._sources.given([], []):
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
        return found or self._filled(values, []).get(option.name) or (self._registry.default(option), "default")

    def _values(self, faults: list[ConfigError]) -> dict[str, Sourced]:
        """The value of each option, of the source that counts most."""
        values: dict[str, Sourced] = {
            name: (self._registry.default(option), "default") for name, option in self._registry.options.items()
        }
        wrong: dict[str, list[ConfigError]] = {}
        for given in self._sources.given(faults, self.warnings):
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
        return values

    def _use(self, use: Use, options: Options, path: str, source: str, faults: list[ConfigError]) -> Use:
        """A use of a filter module, with the options that count there."""
        if not use.written:
            return use
        overrides = self._overrides(f"{path}{use.module}", dict(use.written), source, faults, ("use",))
        flags = self._registry.own_flags()
        # By its own name: one of several spellings may stand there.
        written = tuple((flags[f"--{name}"].name, value) for name, value in use.written if f"--{name}" in flags)
        return Use(use.module, written, options.overridden(overrides))

    def _overrides(
        self,
        path: str,
        written: dict[str, Any],
        source: str,
        faults: list[ConfigError],
        scopes: tuple[str, ...] = ("pipeline", "use"),
    ) -> dict[str, Sourced]:
        """The values of options in one entry of "pipelines", or of one use of a filter module.

        :param path: where they stand in ``source``
        :param scopes: of options that may stand there
        """
        flags = self._registry.own_flags()
        scoped = [name for name, option in self._registry.options.items() if option.scope in scopes]
        overrides: dict[str, Sourced] = {}
        for key, value in written.items():
            option = flags.get(f"--{key}")
            try:
                if not option:
                    raise ConfigError(f"{source}: unknown option {json.dumps(key)} at {path}{nearest(key, scoped)}")
                if option.scope not in scopes:
                    whole = "server" if option.scope == "server" else "pipeline"
                    raise ConfigError(f"{source}: the option {json.dumps(key)} at {path} is one of the whole {whole}")
                given = Given(option, value, f"{source}: {path}", f"{source}: {path}.{key}")
                overrides[option.name] = given.parsed(), given.source
            except ConfigError as error:
                faults.append(error)
        return {name: each for name, each in self._filled(overrides, faults).items() if name in scoped} | overrides

    def _filled(self, values: Mapping[str, Sourced], faults: list[ConfigError]) -> dict[str, Sourced]:
        """The values that other options fill in, where no other is given."""
        options = self._registry.options
        filled: dict[str, Sourced] = {}
        for name, (value, _) in values.items():
            fills = options[name].fills
            for target, (raw, place) in fills(value).items() if fills and value is not None else ():
                # A program that is not fws_server has no port, say; and what is given counts more.
                if target not in options or values.get(target, ("", "default"))[1] != "default":
                    continue
                try:
                    filled[target] = Given(options[target], raw, name, place).parsed(), name
                except ConfigError as error:
                    faults.append(error)
        return filled


def raise_all(faults: list[ConfigError]) -> None:
    """Raise one error with all faults, if there are any: UsageError if one of them is."""
    if faults:
        kind = UsageError if any(isinstance(fault, UsageError) for fault in faults) else ConfigError
        # Once each: a wrong -c is found when the file is wanted, and again with the rest.
        raise kind(*dict.fromkeys(line for fault in faults for line in fault.faults))

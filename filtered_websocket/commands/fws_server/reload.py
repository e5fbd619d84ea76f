"""Reload: filters and configuration anew, in a process that keeps its connections.

Rules:

1. The new is complete before the old is touched: modules are imported as new module objects, options resolved, start
   filters that are new run. If anything fails, nothing has changed, and one line says what.
2. A generation of the user's own modules is taken whole (`pipeline.generation`). A module of this package is not
   imported again: it does not change while the process lives.
3. Connections keep their pipeline. What runs at the next event is the new chain; a chain that waits ends as it began.
4. What a process settles when it starts (addresses, storage, reactor, ...) is not taken from the new configuration; a
   line says so. The same goes for a module that stays. Of TLS that goes for the names of its files, not for the files.
"""

import os
import sys
from collections.abc import Collection, Sequence
from typing import Any

from twisted.logger import Logger

from filtered_websocket.commands.fws_server.assembly import Assembly
from filtered_websocket.config.option import Options
from filtered_websocket.config.pipelines import PipelineConfig
from filtered_websocket.config.reading import READ
from filtered_websocket.errors import ConfigError
from filtered_websocket.monitoring.garbage import take_back
from filtered_websocket.pipeline.generation import Generation, own_modules
from filtered_websocket.pipeline.importing import IMPORTER, Source, checksum, loader_of
from filtered_websocket.pipeline.pipeline import Pipeline
from filtered_websocket.server.server import Server
from filtered_websocket.storage_objects.backends import BACKENDS

_log = Logger()

MAX_NAMED = 20
"""So many modules are named in a line."""


async def reload(server: Server, argv: Sequence[str]) -> bool:
    """Take everything anew.

    :returns: whether the new is in force
    """
    assembly = Assembly(argv, os.environ)
    filter_modules = [module for pipeline in server.pipelines for module in pipeline.modules]
    stay = (*assembly.reload_keep(), _storage_module(server))
    before = set(own_modules(filter_modules))
    generation = Generation(own_modules(filter_modules, stay))
    begun: list[_Draft] = []
    try:
        generation.take_out()
        assembly.load()
        options = assembly.options(starts=False)
        generation.complete()
        living = {pipeline.name: pipeline for pipeline in server.pipelines}
        drafts = [_Draft(config, server, living.get(config.name), generation.names) for config in options.pipelines]
        generation.wait()
        contexts = {certificate: certificate.read() for certificate in server.certificates}
        for draft in drafts:
            begun.append(draft)
            await draft.start()
    except BaseException as error:
        generation.restore()
        for draft in begun:
            draft.undo()
        if not server.draining:
            _tell(error)
        return False
    _warn_of_what_stays(server, options, assembly.odd, own_modules(filter_modules), generation.names)
    generation.replace()
    take_back()
    server.reconfigure(options, [draft.take() for draft in drafts])
    for certificate, context in contexts.items():
        certificate.context = context
    for draft in drafts:
        draft.close_former()
    now = own_modules(module for pipeline in server.pipelines for module in pipeline.modules)
    new = set(now) - before
    _log.info(
        "reloaded: {modules}{new}",
        modules=_named(set(generation.names) - new) or "the configuration",
        new=f"; new: {_named(new)}" if new else "",
    )
    return True


def _named(modules: Collection[str]) -> str:
    more = f" and {len(modules) - MAX_NAMED} more" if len(modules) > MAX_NAMED else ""
    return ", ".join(sorted(modules)[:MAX_NAMED]) + more


def _tell(error: BaseException) -> None:
    if not isinstance(error, ConfigError):
        _log.failure("not reloaded, everything stays as it was")
        return
    for fault in error.faults:
        _log.error("not reloaded, everything stays as it was: {fault}", fault=fault)


def _warn_of_what_stays(
    server: Server, options: Options, odd: list[str], own: list[str], replaced: Collection[str]
) -> None:
    of_storage = [option.name for option in getattr(server.storage_object, "OPTIONS", ())]
    at_start = [option.name for option, _, _ in server.options if option.at_start]
    for name in (*at_start, *of_storage):
        # Another storage object's options are not among the new ones.
        if hasattr(options, name) and getattr(options, name) != getattr(server.options, name):
            _log.warn("the option {name} has changed, which takes a restart", name=name)
    for name in own:
        loader = loader_of(sys.modules[name])
        if name not in replaced and isinstance(loader, Source) and _on_disk(loader.path) != checksum(loader.text):
            _log.warn("the module {name} has changed, which takes a restart: it stays", name=name)
    for each in odd:
        _log.warn("{odd}", odd=each)


def _storage_module(server: Server) -> str:
    name: str = server.options.storage
    return BACKENDS.get(name, name)


def files(server: Server) -> dict[str, int | None]:
    """The files that a reload would read, or that the last one looked for in vain: the user's own modules, the
    configuration, what options are read from, and certificates. For each the checksum of what was read; None where
    there was nothing."""
    found: dict[str, int | None] = dict.fromkeys(IMPORTER.missing) | READ
    for name in own_modules(module for pipeline in server.pipelines for module in pipeline.modules):
        module: Any = sys.modules[name]
        loader = loader_of(module)
        if isinstance(loader, Source):
            found[loader.path] = checksum(loader.text)
        elif file := getattr(module, "__file__", None):
            found[file] = _on_disk(file)
    for certificate in server.certificates:
        found |= certificate.checksums
    return found | IMPORTER.read


def _on_disk(path: str) -> int | None:
    try:
        with open(path, "rb") as file:
            return checksum(file.read())
    except OSError:
        return None


class _Draft:
    """A pipeline of the new configuration, and what it takes to put it into force.

    :param living: the pipeline of its name that serves now; None: it is a new one
    :param old: the modules that are replaced
    """

    def __init__(self, config: PipelineConfig, server: Server, living: Pipeline | None, old: Collection[str]) -> None:
        new = Pipeline(config, server, living)
        before = living.filters if living is not None else {"start": (), "stop": ()}
        self._server = server
        self._starts = [each for each in new.filters["start"] if each not in before["start"]]
        self._stops = [each for each in new.filters["stop"] if each not in before["stop"]]
        self._former_stops = [each for each in before["stop"] if each not in new.filters["stop"]]
        self._pipeline = living or new
        self._view = View(self._pipeline, {} if living is None else living.anew(new, old))
        self._former = View(self._pipeline, {})

    async def start(self) -> None:
        """Run the start filters that are new."""
        await self._pipeline.start(self._starts, self._view)

    def undo(self) -> None:
        """It was started in vain: run the stop filters that belong to what has begun."""
        self._server.ending(self._pipeline.stop(self._stops, self._view))

    def take(self) -> Pipeline:
        """Put it into force."""
        own = self._view.settle()
        self._pipeline.uses.settle()
        self._pipeline.take_limits()
        self._former = View(self._pipeline, {name: value for name, value in own.items() if value is not MISSING})
        return self._pipeline

    def close_former(self) -> None:
        """Run the stop filters that are gone, on the pipeline as their start filters left it."""
        self._server.ending(self._pipeline.stop(self._former_stops, self._former))


MISSING = object()


class View:
    """A pipeline with some attributes of its own: as start filters see and set it while it is not in force yet, and as
    the stop filters of the former generation find it. Once settled, it is another name of the pipeline."""

    __slots__ = ("__own", "__pipeline")

    def __init__(self, pipeline: Pipeline, own: dict[str, Any]) -> None:
        object.__setattr__(self, "_View__pipeline", pipeline)
        object.__setattr__(self, "_View__own", own)

    def settle(self) -> dict[str, Any]:
        """Give the attributes to the pipeline.

        :returns: the values it had before; MISSING where it had none
        """
        own, former = self.__own, {}
        for name, value in own.items():
            former[name] = vars(self.__pipeline).get(name, MISSING)
            setattr(self.__pipeline, name, value)
        object.__setattr__(self, "_View__own", vars(self.__pipeline))
        return former

    def __getattr__(self, name: str) -> Any:
        return self.__own[name] if name in self.__own else getattr(self.__pipeline, name)

    def __setattr__(self, name: str, value: Any) -> None:
        self.__own[name] = value

    def __delattr__(self, name: str) -> None:
        if self.__own.pop(name, MISSING) is MISSING:
            raise AttributeError(name)

    @property
    def __dict__(self) -> dict[str, Any]:  # type: ignore[override]
        return {**vars(self.__pipeline), **self.__own}

    def __eq__(self, other: object) -> bool:
        return other is self or other is self.__pipeline

    def __hash__(self) -> int:
        return hash(self.__pipeline)

    def __repr__(self) -> str:
        return repr(self.__pipeline)

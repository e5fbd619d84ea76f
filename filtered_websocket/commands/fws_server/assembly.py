"""From the words of a command line to what is to be served: options, filter modules, the storage object's class."""

import importlib
import os
import sys
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import Any

from filtered_websocket.commands.fws_server import no_effect, preflight
from filtered_websocket.config.configuration import Configuration, raise_all
from filtered_websocket.config.option import Option, Options
from filtered_websocket.config.parsers import boolean, choice, integer, listening_address, words
from filtered_websocket.errors import ConfigError
from filtered_websocket.monitoring import logs
from filtered_websocket.pipeline.declared import options_of
from filtered_websocket.pipeline.mistakes import check_options, filters_that_are_none
from filtered_websocket.pipeline.modules import brings_nothing, load
from filtered_websocket.server.options import DECLARED
from filtered_websocket.storage_objects.backends import BACKENDS, STORAGE
from filtered_websocket.storage_objects.base import BaseStorageObject
from filtered_websocket.storage_objects.wrapped import make
from filtered_websocket.transport.installing import REACTORS


def _module_names(value: Any) -> list[str]:
    names = words(value)
    if not all(part.isidentifier() for name in names for part in name.split(".")):
        raise ValueError("names of modules are wanted, such as chat.database")
    return names


PORT = Option("port", integer(0, 65535), 9000, "listening port; 0: any that is free", flags=("-p",), at_start=True)
HOST = Option(
    "host",
    listening_address,
    "",
    "address to listen on (default: all, IPv4 and IPv6), unix:PATH, or fd:NUMBER of an inherited listening socket",
    at_start=True,
)
REACTOR = Option(
    "reactor",
    choice(*REACTORS),
    "auto",
    f"Twisted reactor: {', '.join(REACTORS)}; on asyncio filters may await asyncio's objects",
    at_start=True,
)
WORKERS = Option(
    "workers", integer(1, 1024), 1, "processes that serve the port together; they need shared storage", at_start=True
)
RELOAD = Option(
    "reload",
    boolean,
    False,
    "reload when a filter module, the configuration or a file that it names changes: in development",
    switch=True,
    at_start=True,
)
RELOAD_KEEP = Option(
    "reload_keep",
    _module_names,
    [],
    "modules of your own that a reload leaves as they are, with their submodules: their globals, and what they opened",
    many=True,
)
OPTIONS = (PORT, HOST, STORAGE, REACTOR, WORKERS, RELOAD, RELOAD_KEEP)


NOTHING = (
    "filter module {name} brings no filters: {file} defines no subclass of WebSocketMessageFilter or another of "
    "filtered_websocket.filters.base, and imports no module at its top that does"
)


class Assembly:
    """What was asked for. Filter modules are imported when it is made; the reactor must be installed before.

    :param document: what a configuration file would hold, in its place
    :ivar configuration: the options as declared and given
    :ivar odd: what is odd but not wrong about the filter modules, one line each
    :ivar backend: the StorageObject class, None if it cannot be had
    """

    def __init__(
        self,
        argv: Sequence[str],
        environ: Mapping[str, str] = os.environ,
        prog: str = "fws_server",
        document: Mapping[str, Any] | None = None,
    ) -> None:
        self.configuration = Configuration(argv, environ, prog, document)
        self._faults: list[ConfigError] = []
        self.odd: list[str] = []
        for owner, options in (("fws_server", OPTIONS), ("logs", logs.OPTIONS), *DECLARED):
            self.configuration.declare(options, owner)
        self.backend: Any = None

    def reactor(self) -> str:
        """Which reactor to install. Asked before `load`, since a filter module that imports the reactor settles it."""
        try:
            return str(self.configuration.early(REACTOR))
        except ConfigError as error:
            self._faults.append(error)
            return str(REACTOR.default)

    def load(self) -> None:
        """Import the filter modules and the storage object's, and declare their options."""
        names: Sequence[str] = ()
        try:
            names = self.configuration.filter_modules()
        except ConfigError as error:
            self._faults.append(error)
        for name in names:
            try:
                module = load(name)
                check_options(name)
                self.configuration.declare(options_of(name), name, getattr(module, "ORIGINAL", None))
                if brings_nothing(name):
                    self.odd.append(NOTHING.format(name=name, file=getattr(module, "__file__", None) or name))
            except ConfigError as error:
                self._faults.append(error)
        self._faults += filters_that_are_none(name for name in names if name in sys.modules)
        missing = [name for name in self.reload_keep() if not _is_there(name)]
        self.odd += [f"reload_keep has no effect on {name}: there is no such module" for name in missing]
        try:
            self.backend = self._load_storage()
        except ConfigError as error:
            self._faults.append(error)

    def reload_keep(self) -> tuple[str, ...]:
        """The modules that a reload leaves as they are; none while the option cannot be read."""
        try:
            return tuple(self.configuration.early(RELOAD_KEEP))
        except ConfigError:
            return ()  # `options` tells of it

    def _load_storage(self) -> Any:
        name = self.configuration.early(STORAGE)
        try:
            backend = importlib.import_module(BACKENDS.get(name, name)).StorageObject
        except AttributeError:
            raise ConfigError(f"storage {name}: its module has no class StorageObject") from None
        except Exception as error:
            raise _unusable(name, error) from None
        self.configuration.declare(getattr(backend, "OPTIONS", ()), f"storage {name}")
        if hasattr(backend, "parser"):
            self.configuration.declare_parser(backend.parser, f"storage {name}")
        return backend

    def options(self, starts: bool = True) -> Options:
        """The resolved options, checked as far as that goes without opening a port.

        :param starts: for a process that is to start, not for one that reloads
        :raises ConfigError: with every fault there is; UsageError if one of them is bad usage
        """
        faults = list(self._faults)
        try:
            options = self.configuration.resolve()
        except ConfigError as error:
            faults.append(error)
        if not faults:
            faults += preflight.faults(options, self.backend, starts)
            self.odd += no_effect.odd(options)
        raise_all(faults)
        return options

    def storage_object(self, options: Options) -> BaseStorageObject:
        """A new instance; a StorageObject written for the original is wrapped.

        :raises ConfigError: it cannot be made
        """
        try:
            return make(self.backend, options)
        except ConfigError:
            raise
        except Exception as error:
            raise _unusable(options.storage, error) from error


def _is_there(name: str) -> bool:
    """Whether there is a module of this name, without importing any."""
    known = name in sys.modules or name.rpartition(".")[0] in sys.modules
    try:
        return name in sys.modules or find_spec(name if known else name.partition(".")[0]) is not None
    except (ImportError, ValueError):
        return False


def _unusable(storage: str, error: Exception) -> ConfigError:
    return ConfigError(f"storage {storage}: {type(error).__name__}: {' '.join(str(error).split())}")

"""Reload: filters and configuration anew, in a process that keeps its connections.

Rules:

1. The new is complete before the old is touched: modules are imported as new module objects, options resolved, start
   filters of reloaded modules run. If anything fails, nothing has changed, and one line says what.
2. A module of this package is not imported again: it does not change while the process lives.
3. Connections keep their pipeline. What runs at the next event is the new chain; a chain that waits ends as it began.
4. What a process settles when it starts (addresses, storage, reactor, ...) is not taken from the new configuration; a
   line says so.
"""

import os
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any

from twisted.logger import Logger

from filtered_websocket.assembly import Assembly
from filtered_websocket.errors import ConfigError
from filtered_websocket.filter_modules import modules_of
from filtered_websocket.filters.base import EVENTS, FilterMeta
from filtered_websocket.pipeline import Pipeline
from filtered_websocket.web.base import EndpointMeta

_log = Logger()

_PACKAGE = __name__.partition(".")[0]
AT_START = (
    "host", "port", "key", "cert", "storage", "reactor", "workers", "backlog", "log_format", "log_level",
    "ping_interval", "ping_timeout", "admin_port", "admin_host", "filter_time_warn", "reload",
)  # fmt: skip


async def reload(server: Any, argv: Sequence[str]) -> bool:
    """Take everything anew.

    :returns: whether the new is in force
    """
    loaded = _users_modules(server)
    before = _Registry(loaded)
    try:
        for name in loaded:
            sys.modules.pop(name, None)
        before.without(loaded)
        assembly = Assembly(argv, os.environ)
        assembly.load()
        options = assembly.options()
        drafts = [Pipeline(config, server) for config in options.pipelines]
        known = {pipeline.name for pipeline in server.pipelines}
        for draft in drafts:
            await draft.start(loaded if draft.name in known else None)
    except ConfigError as error:
        before.restore()
        for fault in error.faults:
            _log.error("not reloaded, everything stays as it was: {fault}", fault=fault)
        return False
    except BaseException:
        before.restore()
        _log.failure("not reloaded, everything stays as it was")
        return False
    of_storage = [option.name for option in getattr(server.storage_object, "OPTIONS", ())]
    for name in (*AT_START, *of_storage):
        # Another storage object's options are not among the new ones.
        if hasattr(options, name) and getattr(options, name) != getattr(server.options, name):
            _log.warn("the option {name} has changed, which takes a restart", name=name)
    for odd in assembly.odd:
        _log.warn("{odd}", odd=odd)
    await server.take(options, drafts, loaded)
    _log.info("reloaded: {modules}", modules=", ".join(loaded) or "the configuration")
    return True


def files(server: Any) -> list[str]:
    """The files that a reload would read: the filter modules that may change, and the configuration."""
    modules = [getattr(sys.modules.get(name), "__file__", None) for name in _users_modules(server)]
    return [file for file in (*modules, server.options.config) if file]


def _users_modules(server: Any) -> list[str]:
    """The filter modules that are not this package's, as they are named and imported now."""
    names: dict[str, None] = {}
    for pipeline in server.pipelines:
        for module in pipeline.modules:
            names.update(dict.fromkeys(modules_of(module)))
    return [name for name in names if name.partition(".")[0] != _PACKAGE]


class _Registry:
    """Modules and chains as they are, to be put back."""

    def __init__(self, modules: list[str]) -> None:
        self._modules: dict[str, ModuleType] = {name: sys.modules[name] for name in modules}
        self._chains: dict[FilterMeta, list[FilterMeta]] = {root: list(root._filters) for root in EVENTS}
        self._endpoints = list(EndpointMeta.registered)

    def without(self, modules: list[str]) -> None:
        """A filter that its module no longer defines is gone after a reload."""
        for root in EVENTS:
            root._filters[:] = [each for each in root._filters if each.__module__ not in modules]
        EndpointMeta.registered[:] = [each for each in self._endpoints if each.__module__ not in modules]

    def restore(self) -> None:
        sys.modules.update(self._modules)
        for root, filters in self._chains.items():
            root._filters[:] = filters
        EndpointMeta.registered[:] = self._endpoints

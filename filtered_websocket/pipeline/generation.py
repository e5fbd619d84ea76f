"""A generation: the user's own modules as they are imported at one time, replaced whole or not at all.

It consists of the filter modules and of whatever own modules they import, at their top or later. Modules that the
options name stay, and machine code, which a process loads once; so does the storage object's module.

    generation = Generation(names)
    generation.take_out()
    ... import; chains and sys.modules hold what is new
    generation.complete()
    ... make pipelines
    generation.wait()       the server runs the old, until
    generation.replace()    or, at any time, generation.restore()
"""

import importlib
import sys
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any

from filtered_websocket.chain.registry import Registry, registries
from filtered_websocket.errors import ConfigError
from filtered_websocket.pipeline.importing import IMPORTER, adopt_submodules, install, is_extension, is_own
from filtered_websocket.pipeline.modules import imports, load, modules_of

_MISSING = object()


def own_modules(filter_modules: Iterable[str], stay: Iterable[str] = ()) -> list[str]:
    """The names of the imported modules of the user's own that a reload replaces.

    :param stay: modules that it does not, nor their submodules
    """
    stays = tuple(f"{each}." for each in stay)
    begin = [module for name in filter_modules for module in modules_of(name)]
    replaced = _reached(begin, lambda name: not f"{name}.".startswith(stays))
    # Others were imported by name, as plugins are; not what only those need that stay.
    needed = _reached([name for name in IMPORTER.names if f"{name}.".startswith(stays)], lambda name: True)
    others = [name for name in sorted(IMPORTER.names) if name not in needed and is_own(name)]
    replaced += _reached(others, lambda name: name not in replaced and name not in needed)
    return [name for name in replaced if not is_extension(sys.modules[name])]


def _reached(names: Iterable[str], admits: Callable[[str], bool]) -> list[str]:
    """These modules, the packages they are in, and those they import, as far as they are the user's own."""
    found: dict[str, None] = {}
    pending = list(names)
    while pending:
        name = pending.pop(0)
        if name not in found and is_own(name) and admits(name):
            found[name] = None
            pending += [imported for imported, _ in imports(sys.modules[name], sys.modules)]
            pending.append(name.rpartition(".")[0])
    return list(found)


class Generation:
    """The old generation, while there may be a new one.

    :ivar names: of its modules
    """

    def __init__(self, names: list[str]) -> None:
        self.names = names
        self._modules = dict(sys.modules)
        self._attributes = [
            (parent, child, vars(parent).get(child, _MISSING)) for parent, child in map(self._place, names) if parent
        ]
        self._joined: list[tuple[Registry[Any], list[Any]]] = [(each, list(each)) for each in registries()]
        of_old = (each for _, joined in self._joined for each in joined if each.__module__ in names)
        self._old = {id(each) for each in of_old}
        self._new: list[tuple[Registry[Any], list[Any]]] = []

    def _place(self, name: str) -> tuple[ModuleType | None, str]:
        """Where a module hangs as an attribute, if that is a package which stays."""
        package, _, child = name.rpartition(".")
        return (None if package in self.names else self._modules.get(package)), child

    def take_out(self) -> None:
        """Make the next import of these modules a new one."""
        install()  # a program that is not fws_server may reload, too
        importlib.invalidate_caches()
        IMPORTER.read.clear()
        IMPORTER.missing.clear()
        for name in self.names:
            sys.modules.pop(name, None)
        for registry, joined in self._joined:
            # The chain of an old root is the old modules'; they run it until their last run ends.
            if registry.owner.__module__ not in self.names:
                registry[:] = [each for each in joined if id(each) not in self._old]

    def complete(self) -> None:
        """Import what only functions import, too, as far as the old generation has it. Chains then hold the new alone.

        :raises ConfigError: one of them is not there any more, or raises
        """
        seen: set[str] = set()
        while pending := [name for name in self._renewed() if name not in seen]:
            seen.update(pending)
            for name in pending:
                for imported, tried in imports(sys.modules[name], self.names):
                    self._import(imported, tried, name)
        for name in seen:
            if hasattr(sys.modules[name], "__path__"):
                adopt_submodules(sys.modules[name])
        for parent, child, former in self._attributes:
            gone = f"{parent.__name__}.{child}" not in sys.modules
            if gone and isinstance(former, ModuleType) and vars(parent).get(child) is former:
                delattr(parent, child)
        for registry, joined in self._joined:
            if registry.owner.__module__ not in self.names or not set(registry) <= set(joined):
                registry[:] = self._in_their_places(registry, joined)
                self._new.append((registry, list(registry)))

    def _in_their_places(self, now: list[Any], joined: list[Any]) -> list[Any]:
        """The classes there are now, in their former order: the new at the places of their former selves."""
        left, placed = [each for each in now if id(each) not in self._old], []
        for former in joined:
            name = (former.__module__, former.__qualname__)
            found = next((each for each in left if (each.__module__, each.__qualname__) == name), None)
            if found is not None:
                left.remove(found)
                placed.append(found)
        return placed + left

    def _renewed(self) -> list[str]:
        return [
            name for name, module in list(sys.modules.items()) if self._modules.get(name) is not module and is_own(name)
        ]

    def _import(self, name: str, tried: bool, importer: str) -> None:
        if name in sys.modules:
            return
        try:
            load(name, "module")
        except ConfigError as error:
            missing = isinstance(error.__cause__, ModuleNotFoundError) and error.__cause__.name == name
            if not missing:
                raise
            if not tried:
                raise ConfigError(f"module {name}: not found, and {importer} imports it") from error

    def wait(self) -> None:
        """Put the old into the chains, for the time that the new needs to be ready. What is imported stays the new."""
        for registry, joined in self._joined:
            registry[:] = joined

    def replace(self) -> None:
        """The new is in force."""
        old = {id(registry): joined for registry, joined in self._joined}
        for registry, new in self._new:
            meanwhile = [each for each in registry if each not in old[id(registry)] and each not in new]
            registry[:] = [*new, *meanwhile]

    def restore(self) -> None:
        """Put everything back. Libraries that were imported for the first time stay, and what has joined of them."""
        for name in self._renewed():
            module = sys.modules.pop(name)
            parent, child = self._place(name)
            if name not in self._modules and parent is not None and vars(parent).get(child) is module:
                delattr(parent, child)
        sys.modules.update(self._modules)
        for parent, child, former in self._attributes:
            if former is not _MISSING:
                setattr(parent, child, former)
            elif child in vars(parent):
                delattr(parent, child)
        for registry, joined in self._joined:
            libraries = [
                each
                for each in registry
                if each not in joined and each.__module__ in sys.modules and not is_own(each.__module__)
            ]
            registry[:] = [*joined, *libraries]

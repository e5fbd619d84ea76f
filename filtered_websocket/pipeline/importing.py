"""The user's own modules: which they are, and how `fws_server` imports them.

Rules:

1. A module is the user's own if its file is neither in Python's library nor in a ``site-packages`` directory, and it is
   not of this package.
2. What is on disk is what runs: own modules are compiled from their source. Python judges bytecode by the source's size
   and time in whole seconds, and so would run the first of two saves in one second.
3. A package that is imported anew finds the submodules that have stayed, as attributes, before its code runs.
"""

import linecache
import os
import sys
import sysconfig
import zlib
from collections.abc import Iterator, Sequence
from importlib.machinery import ExtensionFileLoader, ModuleSpec, SourceFileLoader
from types import ModuleType
from typing import Any

checksum = zlib.crc32
"""What tells the content of a file from what it was: no time does, which a deploy may set, and no size."""

_PACKAGE = __name__.partition(".")[0]
_MAIN = ("__main__", "__mp_main__")
_STANDARD = tuple({os.path.join(sysconfig.get_path(name), "") for name in ("stdlib", "platstdlib")})
_SITES = tuple(f"{os.sep}{name}{os.sep}" for name in ("site-packages", "dist-packages"))


def is_library(path: str) -> bool:
    """Whether a file or directory is Python's, or was installed."""
    path = os.path.join(os.path.abspath(path), "")
    return path.startswith(_STANDARD) or any(site in path for site in _SITES)


def is_own(name: str, module: ModuleType | None = None) -> bool:
    """Whether an imported module is the user's own.

    :param module: default: the one that is imported by this name
    """
    module = module or sys.modules.get(name)
    if name in IMPORTER.names and module is not None:
        return True  # a module may have put any object into its place
    # Its own name: it may be imported by another, as WSPS's is.
    if module is None or name in _MAIN or str(getattr(module, "__name__", name)).partition(".")[0] == _PACKAGE:
        return False
    file = getattr(module, "__file__", None)
    # A package without an __init__.py is where its directories are.
    places = [file] if file else list(getattr(module, "__path__", ()))
    return bool(places) and not any(map(is_library, places))


def is_extension(module: ModuleType) -> bool:
    """Whether it is machine code, which a process loads once."""
    return isinstance(loader_of(module), ExtensionFileLoader)


def loader_of(module: object) -> Any:
    """What loaded a module, None where it is not known."""
    return getattr(getattr(module, "__spec__", None), "loader", None)


class Source(SourceFileLoader):
    """Loads a module from its source alone.

    :ivar text: the source that runs
    """

    text: bytes = b""

    def get_code(self, fullname: str) -> Any:
        self.text = self.get_data(self.path)
        IMPORTER.read[self.path] = checksum(self.text)
        # Tracebacks show the lines that run, though the file has its old size and time.
        linecache.cache.pop(self.path, None)
        return self.source_to_code(self.text, self.path)

    def exec_module(self, module: ModuleType) -> None:
        adopt_submodules(module)
        super().exec_module(module)


def adopt_submodules(package: ModuleType) -> None:
    """Give a package the submodules that are imported already, as attributes."""
    prefix = f"{package.__name__}."
    for name, module in list(sys.modules.items()):
        child = name.removeprefix(prefix)
        if name.startswith(prefix) and "." not in child and child not in vars(package):
            setattr(package, child, module)


class Importer:
    """Finds what the finders behind it find, and has the user's own loaded by `Source`.

    :ivar names: of the user's own modules that were found
    :ivar read: the source files that were read last, also in vain -> the checksum of what was in them
    :ivar missing: files that would have been a module that was asked for
    """

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.read: dict[str, int] = {}
        self.missing: set[str] = set()

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        for finder in sys.meta_path[sys.meta_path.index(self) + 1 :]:
            spec = finder.find_spec(name, path, target) if hasattr(finder, "find_spec") else None
            if spec is not None:
                return self._own(spec)
        self.missing.update(_candidates(name, path))
        return None

    def _own(self, spec: ModuleSpec) -> ModuleSpec:
        places = [spec.origin] if spec.origin and spec.has_location else list(spec.submodule_search_locations or ())
        if not places or any(map(is_library, places)) or spec.name.partition(".")[0] == _PACKAGE:
            return spec
        self.names.add(spec.name)
        if type(spec.loader) is SourceFileLoader:
            spec.loader = Source(spec.loader.name, spec.loader.path)
        return spec


def _candidates(name: str, path: Sequence[str] | None) -> Iterator[str]:
    for place in sys.path if path is None else path:
        if not is_library(place):
            file = os.path.join(place, name.rpartition(".")[2])
            yield from (f"{file}.py", os.path.join(file, "__init__.py"))


IMPORTER = Importer()


def install() -> None:
    """From now on, import the user's own modules so. Once in a process."""
    if IMPORTER not in sys.meta_path:
        sys.meta_path.insert(0, IMPORTER)

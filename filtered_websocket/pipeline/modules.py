"""Filter modules: importing them by name, and which filters and options a module brings.

A named module brings, in this order, the filters of the filter modules it imports, each once, and then its own in the
order of their definition. Imports are read from the module's source, so the answer does not depend on which module
happened to be imported first.
"""

import ast
import gc
import importlib
import importlib.util
import inspect
import pkgutil
import sys
import traceback
from collections.abc import Container, Iterator
from difflib import get_close_matches
from functools import lru_cache
from types import ModuleType
from typing import NamedTuple

from filtered_websocket.chain.events import EVENTS
from filtered_websocket.chain.registry import FilterMeta, registries
from filtered_websocket.errors import ConfigError
from filtered_websocket.pipeline import importing
from filtered_websocket.pipeline.importing import Source, is_library, is_own, loader_of
from filtered_websocket.web.base import EndpointMeta

_MAY_HOLD_STATEMENTS = (ast.stmt, ast.excepthandler, ast.match_case)
_BUNDLED = "filtered_websocket.filters"
_IMPORTING = ("<frozen importlib", importlib.__file__, __file__, importing.__file__)


def load(name: str, kind: str = "filter module") -> ModuleType:
    """Import a filter module.

    :param kind: what it is, for the fault
    :raises ConfigError: it is not there or raises; one line that says where in the user's code
    """
    try:
        return importlib.import_module(name)
    except ConfigError:
        raise
    except (Exception, SystemExit) as error:
        raise ConfigError(f"{kind} {name}: {_reason(name, error)}") from error


def _reason(name: str, error: BaseException) -> str:
    missing = getattr(error, "name", None)
    if isinstance(error, ModuleNotFoundError) and missing and (name == missing or name.startswith(f"{missing}.")):
        if name.endswith(".py"):
            return f"not found (a module is named without .py: {name.removesuffix('.py')})"
        if bundled := _bundled(name):
            return f"not found: is {bundled} meant, which comes with the server?"
        return f"not found (no module {missing!r} on the Python path or in the current directory)"
    text = " ".join(str(error).split())
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__}: {text}"
    places = [(frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(error.__traceback__)]
    places = [place for place in places if not place[0].startswith(_IMPORTING)]
    # Where a library raised helps nobody: the last place before it does.
    users = [place for place in places if not is_library(place[0])] or places
    place = " ({}, line {})".format(*users[-1]) if users else ""
    return f"{type(error).__name__}: {text}{place}"


def _bundled(name: str) -> str | None:
    """The module that comes with the server whose name is most like this one."""
    package, _, short = name.rpartition(".")
    there = importlib.util.find_spec(_BUNDLED)
    if package not in ("", _BUNDLED) or there is None:
        return None
    names = [each.name for each in pkgutil.iter_modules(there.submodule_search_locations)]
    near = get_close_matches(short, names, n=1, cutoff=0.75)
    return f"{_BUNDLED}.{near[0]}" if near else None


def filters_of(name: str, root: FilterMeta) -> list[FilterMeta]:
    """The filters of one chain that a loaded module brings."""
    brings: list[FilterMeta] = []
    for module in modules_of(name):
        brings += [each for each in root._filters if each.__module__ == module and each not in brings]
    return brings


def further_roots() -> list[FilterMeta]:
    """The roots of all chains that are not the server's own: those of packs, and of users."""
    owners = (each.owner for each in registries())
    return [each for each in owners if isinstance(each, FilterMeta) and each not in EVENTS]


def endpoints_of(name: str) -> list[EndpointMeta]:
    """The endpoints that a loaded module brings."""
    modules = modules_of(name)
    return [each for module in modules for each in EndpointMeta.registered if each.__module__ == module]


def brings_nothing(name: str) -> bool:
    """Whether a loaded module has no part in any chain, not even one of its user's own, and no endpoint."""
    modules = modules_of(name)
    defining = _defining()
    own = (each for module in modules for each in vars(sys.modules[module]).values() if isinstance(each, FilterMeta))
    return defining.isdisjoint(modules) and not any(each.__module__ in modules for each in own)


def modules_of(name: str) -> list[str]:
    """The filter modules that a loaded module brings, itself last: those it imports come before it."""
    order: list[str] = []
    defining = _defining()
    _visit(name, order, set(), defining | {parent for each in defining for parent in parents_of(each)})
    return order if name in order else [*order, name]


def _visit(name: str, order: list[str], seen: set[str], holding: set[str]) -> None:
    """
    :param holding: the modules and packages in which something has joined a chain
    """
    if name in seen:
        return
    seen.add(name)
    for imported in _imports(sys.modules[name]):
        if imported in holding or is_own(imported):
            _visit(imported, order, seen, holding)
    if name in holding:
        order.append(name)


def _defining() -> set[str]:
    """The modules of which something has joined a chain, or the endpoints."""
    return {each.__module__ for registry in registries() for each in registry}


def parents_of(name: str) -> Iterator[str]:
    """The packages that a module lies in."""
    while name := name.rpartition(".")[0]:
        yield name


def _imports(module: ModuleType) -> Iterator[str]:
    """The loaded modules that a module's own statements import, functions' bodies left out."""
    for statement in _statements(source_of(module)):
        if not statement.late:
            yield from _named(statement, module, sys.modules)


def imports(module: ModuleType, among: Container[str]) -> Iterator[tuple[str, bool]]:
    """Modules that are imported anywhere in a module, by functions too, as far as they are among these.

    :returns: name, and whether the code has an answer where there is no such module
    """
    for statement in _statements(source_of(module)):
        yield from ((name, statement.tried) for name in _named(statement, module, among))


class _Statement(NamedTuple):
    """An import. ``late``: in a function; ``tried``: in a ``try``."""

    node: ast.Import | ast.ImportFrom
    late: bool
    tried: bool


def source_of(module: ModuleType) -> str | bytes:
    """The source of a module, as it was loaded; empty if there is none."""
    loader = loader_of(module)
    if isinstance(loader, Source):
        return loader.text
    try:
        return inspect.getsource(module)
    except (OSError, TypeError):
        return ""


@lru_cache(maxsize=1024)
def _statements(text: str | bytes) -> tuple[_Statement, ...]:
    found: list[_Statement] = []
    try:
        pending: list[tuple[ast.AST, bool, bool]] = [(_parsed(text), False, False)]
    except (SyntaxError, ValueError):
        return ()
    while pending:
        node, late, tried = pending.pop()
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            found.append(_Statement(node, late, tried))
            continue
        inside = list(ast.iter_child_nodes(node))
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            inside = list(node.orelse)
        late = late or isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
        tried = tried or isinstance(node, (ast.Try, ast.TryStar))
        pending += [(each, late, tried) for each in reversed(inside) if isinstance(each, _MAY_HOLD_STATEMENTS)]
    return tuple(found)


def _parsed(text: str | bytes) -> ast.Module:
    # Python 3.11 raises SystemError if garbage is collected meanwhile whose end formats a traceback, which parses too
    # (gh-106905). A Deferred that has failed unseen is such garbage.
    collecting = gc.isenabled()
    gc.disable()
    try:
        return ast.parse(text)
    finally:
        if collecting:
            gc.enable()


def _named(statement: _Statement, module: ModuleType, among: Container[str]) -> Iterator[str]:
    """The modules among these that a statement imports."""
    node = statement.node
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names if alias.name in among)
        return
    source = "." * node.level + (node.module or "")
    if node.level:
        source = importlib.util.resolve_name(source, module.__package__ or "")
    names = [alias.name for alias in node.names]
    if names == ["*"]:
        names = list(getattr(sys.modules.get(source), "__all__", ("*",)))
    loaded = [f"{source}.{name}" for name in names if f"{source}.{name}" in among]
    # A package named only to reach its submodules brings those, not all that it holds.
    yield from loaded
    if len(loaded) < len(names) and source in among:
        yield source

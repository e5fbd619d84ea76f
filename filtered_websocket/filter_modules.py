"""Filter modules: importing them by name, and which filters and options a module brings.

A named module brings, in this order, the filters of the filter modules it imports, each once, and then its own in the
order of their definition. Imports are read from the module's source, so the answer does not depend on which module
happened to be imported first.
"""

import ast
import importlib
import importlib.util
import inspect
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from filtered_websocket.errors import ConfigError
from filtered_websocket.filters.base import EVENTS, FilterMeta


def load(name: str) -> ModuleType:
    """Import a filter module.

    :raises ConfigError: it is not there or raises; one line that says where in the user's code
    """
    try:
        return importlib.import_module(name)
    except ConfigError:
        raise
    except Exception as error:
        raise ConfigError(f"filter module {name}: {_reason(name, error)}") from error


def _reason(name: str, error: BaseException) -> str:
    missing = getattr(error, "name", None)
    if isinstance(error, ModuleNotFoundError) and missing and (name == missing or name.startswith(f"{missing}.")):
        return f"not found (no module {missing!r} on the Python path or in the current directory)"
    text = " ".join(str(error).split())
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__}: {text}"
    place = ""
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        if "importlib" not in code.co_filename and code.co_filename != __file__:
            place = f" ({code.co_filename}, line {trace.tb_lineno})"
        trace = trace.tb_next
    return f"{type(error).__name__}: {text}{place}"


def filters_of(name: str, root: FilterMeta) -> list[FilterMeta]:
    """The filters of one chain that a loaded module brings."""
    brings: list[FilterMeta] = []
    for module in modules_of(name):
        brings += [each for each in root._filters if each.__module__ == module and each not in brings]
    return brings


def modules_of(name: str) -> list[str]:
    """The filter modules that a loaded module brings, itself last: those it imports come before it."""
    order: list[str] = []
    _visit(name, order, set())
    return order


def _visit(name: str, order: list[str], seen: set[str]) -> None:
    if name in seen:
        return
    seen.add(name)
    defining = {each.__module__ for root in EVENTS for each in root._filters}
    for imported in _imports(sys.modules[name]):
        if imported in defining or any(module.startswith(f"{imported}.") for module in defining):
            _visit(imported, order, seen)
    order.append(name)


def _imports(module: ModuleType) -> Iterator[str]:
    """The loaded modules that a module's own statements import, functions' bodies left out."""
    try:
        tree = ast.parse(inspect.getsource(module))
    except (OSError, TypeError, SyntaxError):
        return
    pending: list[ast.AST] = list(reversed(tree.body))
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in sys.modules)
        elif isinstance(node, ast.ImportFrom):
            source = "." * node.level + (node.module or "")
            if node.level:
                source = importlib.util.resolve_name(source, module.__package__ or "")
            submodules = [f"{source}.{alias.name}" for alias in node.names]
            loaded = [each for each in submodules if each in sys.modules]
            # A package named only to reach its submodules brings those, not all that it holds.
            yield from loaded
            if source in sys.modules and len(loaded) < len(submodules):
                yield source
        elif not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            pending += reversed(list(ast.iter_child_nodes(node)))


def options_of(name: str) -> tuple[Any, ...]:
    """The options that a loaded module and the filter modules it brings declare as ``OPTIONS``."""
    declared: list[Any] = []
    for module in modules_of(name):
        declared += [option for option in getattr(sys.modules[module], "OPTIONS", ()) if option not in declared]
    return tuple(declared)

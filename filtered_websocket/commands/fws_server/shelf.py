"""The shelf: the filter modules that come with the server, and those that installed packages bring.

A package names its modules by the entry point ``filtered_websocket.filters``. None is imported: what each does is read
from its source.
"""

import ast
import importlib.util
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path

from filtered_websocket import filters
from filtered_websocket.errors import printable

GROUP = "filtered_websocket.filters"
NO_FILTERS = {"__init__", "base", "shared", "stdout"}
UNKNOWN = "(its module cannot be read)"


def shelf() -> Iterator[tuple[str, str, str]]:
    """
    :returns: name, what it does in a line, and the package that it comes with: "" for this one
    """
    for path in sorted(Path(filters.__path__[0]).iterdir()):
        if path.stem not in NO_FILTERS and (path.suffix == ".py" or (path / "__init__.py").exists()):
            yield f"{filters.__name__}.{path.stem}", _summary(path if path.suffix else path / "__init__.py"), ""
    for each in sorted(entry_points(group=GROUP), key=lambda each: each.value):
        package = each.dist.name if each.dist is not None else "?"
        yield each.module, _summary(_source(each.module)), package


def listed() -> str:
    """The shelf, a line each."""
    rows = [(name, summary + (f" [{package}]" if package else "")) for name, summary, package in shelf()]
    width = max(len(name) for name, _ in rows)
    return "\n".join(printable(f"{name:<{width}}  {summary}".rstrip()) for name, summary in rows)


def _source(module: str) -> Path | None:
    try:
        found = importlib.util.find_spec(module)
    except (ImportError, ValueError, AttributeError):
        return None
    return Path(found.origin) if found is not None and found.origin else None


def _summary(source: Path | None) -> str:
    """The first sentence of what a module says of itself."""
    try:
        told = ast.get_docstring(ast.parse(source.read_bytes())) if source is not None else None
    except (OSError, SyntaxError, ValueError):
        told = None
    if told is None:
        return UNKNOWN
    return " ".join(told.partition("\n\n")[0].split()).partition(". ")[0].rstrip(".:")

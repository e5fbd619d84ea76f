"""Prints every module of the package with the first line of what it says of itself: ``make modules``."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "filtered_websocket"


def summary(source: Path) -> str:
    """The first sentence, or the first line, of a module's docstring."""
    told = ast.get_docstring(ast.parse(source.read_text(encoding="utf-8"))) or ""
    paragraph = " ".join(told.partition("\n\n")[0].split())
    return paragraph.partition(". ")[0].rstrip(".:")


def lines(folder: Path, indent: str = "") -> Iterator[str]:
    """A folder's modules, then the folders in it."""
    for source in sorted(folder.glob("*.py")):
        if source.name != "__init__.py":
            yield f"{indent}{source.name} ".ljust(34) + summary(source)
    for init in sorted(folder.glob("*/__init__.py")):
        yield f"{indent}{init.parent.name}/ ".ljust(34) + summary(init)
        yield from lines(init.parent, f"{indent}    ")


def text() -> str:
    """The whole tree."""
    return "\n".join(line.rstrip() for line in lines(PACKAGE, "  "))


if __name__ == "__main__":
    sys.stdout.write(f"{text()}\n")

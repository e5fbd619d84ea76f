"""Programs of Debian that tests run: `tests/debian/install.sh` unpacks them."""

from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "build" / "debian"


def debian_program(name: str) -> str:
    """Where it is; skips the test, and says what to do, where there is none."""
    program = FOLDER / name
    if not program.exists():
        pytest.skip(f"NO PROGRAM {name}, so this test proves nothing: make test-tools says why")
    return str(program)

"""What `make test` says at the end."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.run import longest_first
from tests.support.fws_server import STARTING

ROOT = Path(__file__).parents[1]

TESTS = """
import os, sys
import pytest

def test_side_by_side():
    assert os.environ["PYTEST_XDIST_WORKER"]
    assert not sys.dont_write_bytecode

@pytest.mark.quiet
def test_alone():
    assert "PYTEST_XDIST_WORKER" not in os.environ

def test_fails():
    assert False

@pytest.mark.quiet
def test_has_a_fixture_that_fails(broken):
    pass

@pytest.fixture
def broken():
    raise ValueError

@pytest.mark.skip
def test_is_skipped():
    pass
"""


NONE_IS_QUIET = """
import os
assert "PYTEST_XDIST_WORKER" in os.environ  # read for the first run alone
"""


def run(folder: Path, *arguments: str) -> tuple[int, str]:
    (folder / "test_it.py").write_text(TESTS)
    (folder / "test_side.py").write_text(NONE_IS_QUIET)
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = quiet\n")
    # These tests may themselves be those of a process of pytest-xdist. Of its plugins no other is wanted: to import all
    # that are installed takes five times as long as what is tried here.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_PLUGINS": "xdist.plugin"}
    done = subprocess.run(
        [sys.executable, "-m", "tests.run", *arguments],
        cwd=folder,
        env={**environment, "PYTHONPATH": str(ROOT), "TEST_PROCESSES": "1", "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        text=True,
        timeout=10 * STARTING,
    )
    return done.returncode, done.stdout.rpartition("\n")[0].rpartition("\n")[2]


@pytest.mark.parametrize(
    ("arguments", "status", "line"),
    [
        ((), 1, "2 passed, 2 failed, 1 skipped"),
        (("-k", "alone or side"), 0, "2 passed, 0 failed, 0 skipped"),
        (("-m", "skip"), 0, "0 passed, 0 failed, 1 skipped"),
        (("-k", "nothing"), 5, "0 passed, 0 failed, 0 skipped"),
        (("test_it.py::test_alone",), 0, "1 passed, 0 failed, 0 skipped"),
    ],
)
def test_both_runs_have_one_closing_line(tmp_path: Path, arguments: tuple[str, ...], status: int, line: str) -> None:
    assert run(tmp_path, *arguments) == (status, line)


def test_files_of_tests_that_may_take_long_come_first(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("a.md", "b/test_b.py", "end_to_end/test_c.py", "commands/top/test_d.py")]
    for size, file in enumerate(files):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(bytes(size))
    assert sorted(files, key=longest_first) == files[::-1]


def test_a_run_that_does_not_come_to_an_end_has_none(tmp_path: Path) -> None:
    assert run(tmp_path, "--no-such-option") == (4, "")

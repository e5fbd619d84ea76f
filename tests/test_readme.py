"""The README, followed word by word from a fresh clone of the repository.

What installs is run as printed, with what it would fetch from the network already there.
"""

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from tests.support.debian_programs import debian_program
from tests.support.terminal import BLOCK, Terminal

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
NOT_CLONED = shutil.ignore_patterns(
    ".git", ".venv", "node_modules", "build", "__pycache__", "*.egg-info", ".*_cache", ".hypothesis", "images"
)
MADE = {
    # Otherwise this test would run itself.
    "make test": {"ARGS": "tests/test_errors.py", "TEST_PROCESSES": "0"},
    # Not into the environment that runs this test, and with its setuptools.
    "pip install .": {"PIP_NO_BUILD_ISOLATION": "0", "PIP_NO_INDEX": "1"},
}


def clone(folder: Path) -> Path:
    """A clone in which `make` has installed everything once: into links to the environment of this test."""
    copied = shutil.copytree(ROOT, folder / "clone", ignore=NOT_CLONED)
    made = copied / ".venv"
    made.mkdir()
    for name in ("bin", "lib"):
        (made / name).symlink_to(Path(sys.prefix) / name)
    shutil.copy(Path(sys.prefix) / "pyvenv.cfg", made)
    for stamp in ("run", "dev", "tools"):
        (made / f"{stamp}.stamp").touch()
    return copied


def environment(folder: Path) -> Path:
    """A new virtual environment's commands; it sees the packages of this one."""
    subprocess.run([sys.executable, "-m", "venv", folder / "new"], check=True, timeout=60)
    packages = folder / "new" / Path(sysconfig.get_path("purelib")).relative_to(sys.prefix)
    # What ensurepip brings may be older than what pyproject.toml builds with.
    for old in ("setuptools", "pkg_resources", "_distutils_hack"):
        shutil.rmtree(packages / old, ignore_errors=True)
    for old in [*packages.glob("setuptools-*"), *packages.glob("distutils-precedence.pth")]:
        shutil.rmtree(old) if old.is_dir() else old.unlink()
    (packages / "packages_of_the_test.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "new" / "bin"


def jq() -> list[Path]:
    """The folder of a program that the README runs, where this machine has none of its own."""
    return [] if shutil.which("jq") else [Path(debian_program("jq")).parent]


def test_every_command_of_the_readme_runs_as_printed(tmp_path: Path) -> None:
    with Terminal(clone(tmp_path), [environment(tmp_path), *jq()], MADE) as terminal:
        terminal.follow(README)
        assert terminal.commands[:4] == ["make run", "make test", "pip install .", "fws_server"]
        assert terminal.commands[-1].startswith("python -m pytest")
    (installed,) = (tmp_path / "new").glob("lib/*/site-packages/filtered_websocket")
    for page in (ROOT / "filtered_websocket" / "web" / "dashboard" / "page").iterdir():
        assert (installed / "web" / "dashboard" / "page" / page.name).read_bytes() == page.read_bytes()


def test_what_is_given_to_the_make_that_runs_the_tests_is_not_given_to_those_that_tests_run(tmp_path: Path) -> None:
    (tmp_path / "inner").write_text("run:\n\t@echo ran with [$(ARGS)] [$(MAKEFLAGS)]\n")
    tests = f"import tests.conftest, subprocess; subprocess.run(['make', '-f', '{tmp_path}/inner', 'run'], check=True)"
    (tmp_path / "outer").write_text(f'test:\n\t@{sys.executable} -c "{tests}" $(ARGS)\n')
    words = [
        "-f",
        str(tmp_path / "outer"),
        "test",
        "ARGS=-k words and 'more $$words'",
        "NOTE=don't",
        "PYTHON=python3",
        "-k",
        "-j2",
    ]
    ran = subprocess.run(["make", *words], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert (ran.stdout, ran.stderr, ran.returncode) == ("ran with [] []\n", "", 0)


def test_every_block_of_the_readme_is_tried_somewhere() -> None:
    """Doctests by pytest, JSON and what the server says by `test_documentation`, files and commands here."""
    for name, kind, _ in BLOCK.findall(README):
        assert name or kind in {"console", "pycon", "json"}, f"a block of {kind}"

"""mypy and pyright, both strict, as a reader of the documentation runs them."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.support.browser import NODE

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples" / "socketio"

Check = Callable[[Path, list[Path]], dict[tuple[str, int], str]]


def mypy(folder: Path, files: list[Path]) -> dict[tuple[str, int], str]:
    """The file and line of each thing that it finds, and what it says of that."""
    words = [
        "--strict",
        "--explicit-package-bases",
        "--follow-imports",
        "silent",
        "--config-file",
        "",
        "--cache-dir",
        str(ROOT / "build" / "mypy"),
    ]
    ran = subprocess.run(
        [sys.executable, "-m", "mypy", *words, "--output", "json", *map(str, files)],
        cwd=folder, capture_output=True, text=True, timeout=300, check=False,
        env={"MYPYPATH": f"{ROOT}:{EXAMPLES}", "PATH": ""},
    )  # fmt: skip
    assert ran.returncode in (0, 1), ran.stdout + ran.stderr
    said = [json.loads(line) for line in ran.stdout.splitlines()]
    return {(Path(each["file"]).name, each["line"]): each["message"] for each in said if each["severity"] == "error"}


def pyright(folder: Path, files: list[Path]) -> dict[tuple[str, int], str]:
    program = NODE / "node_modules" / "pyright" / "index.js"
    assert program.exists(), "not installed: make test-tools"
    settings = {"typeCheckingMode": "strict", "extraPaths": [str(ROOT), str(EXAMPLES)]}
    (folder / "pyrightconfig.json").write_text(json.dumps(settings))
    ran = subprocess.run(
        ["node", str(program), "--outputjson", "--pythonpath", sys.executable, *map(str, files)],
        cwd=folder, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert ran.returncode in (0, 1), ran.stdout + ran.stderr
    said = json.loads(ran.stdout)
    assert said["summary"]["filesAnalyzed"] == len(files)
    return {
        (Path(each["file"]).name, each["range"]["start"]["line"] + 1): each["message"]
        for each in said["generalDiagnostics"]
    }

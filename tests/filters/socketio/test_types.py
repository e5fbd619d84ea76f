"""Applications with types: mypy and pyright, both strict, find nothing in those that are right, and what is wrong."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from filtered_websocket.testing import Server
from tests.support.browser import NODE

ROOT = Path(__file__).parents[3]
EXAMPLES = ROOT / "examples" / "socketio"
HERE = Path(__file__).parent
APPLICATIONS = [HERE / "typed_application.py", HERE / "typed_handlers.py", *sorted(EXAMPLES.glob("*.py"))]

WRONG = """\
from filtered_websocket.filters.socketio import Socket, SocketIOEventFilter, handlers

sio = handlers.Server()


class Say(SocketIOEventFilter):
    event = 5

    @classmethod
    async def filter(cls, socket: Socket, text: str) -> str:
        socket.emitt("said", text)
        socket.join(5)
        answers = await socket.to("hall").call("sure?")
        return answers


@sio.event
async def say(sid: str) -> str:
    await sio.emit(5)
    return await say(5)
"""
FAULTS = {7, 11, 12, 14, 19, 20}
"""Its lines that are wrong."""

Check = Callable[[Path, list[Path]], dict[tuple[str, int], str]]


def mypy(folder: Path, files: list[Path]) -> dict[tuple[str, int], str]:
    """The file and line of each thing that it finds, and what it says of that."""
    words = ["--strict", "--follow-imports", "silent", "--config-file", "", "--cache-dir", str(ROOT / "build" / "mypy")]
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


@pytest.mark.parametrize("check", [mypy, pyright])
def test_strict_checkers_find_what_is_wrong_and_nothing_else(check: Check, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.py"
    wrong.write_text(WRONG)
    found = check(tmp_path, [*APPLICATIONS, wrong])
    assert {place: said for place, said in found.items() if place[0] != "wrong.py"} == {}
    assert {line for _, line in found} == FAULTS, found


def test_the_application_runs() -> None:
    with Server("tests.filters.socketio.typed_application") as server:
        ann, bob = server.socketio(auth={"name": "ann"}), server.socketio(auth={"name": "bob"})
        for each in (ann, bob):
            each.on("sure?", lambda: "yes")
        assert ann.call("say", "hi", "there") == ["heard", 2]
        assert ann.call("print", "x", 2) == ["xx"]
        assert ann.call("who") == [["ann", "bob"]]
        assert ("said", "ann", "hi", "there") in bob.received()


def test_the_handlers_run() -> None:
    with Server("tests.filters.socketio.typed_handlers") as server:
        ann = server.socketio(auth={"name": "ann"})
        chat = ann.connect("/chat")
        assert ann.call("say", "hi") == ["heard"]
        assert ann.call("nothing") == ["nothing is unknown"]
        assert chat.call("rooms") == [[chat.id]]
        started = ann.ask("start")
        server.advance(1)
        assert started.arguments == ["heard"]

"""Applications with types: mypy and pyright, both strict, find nothing in those that are right, and what is wrong."""

from pathlib import Path

import pytest

from filtered_websocket.testing import Server
from tests.support.type_checkers import Check, mypy, pyright

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

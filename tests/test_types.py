"""The types that filters are written with: mypy and pyright, strict, find what is wrong in them, and nothing else."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import jedi
import pytest

import filtered_websocket
from filtered_websocket.chain.interfaces import Connection, Pipeline
from filtered_websocket.chain.request import Request
from filtered_websocket.chain.storage import Storage
from filtered_websocket.messages.publication import Publication
from tests.support.ledger.own_process import here
from tests.support.terminal import BLOCK
from tests.support.type_checkers import Check, mypy, pyright

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted(each for each in (ROOT / "examples").rglob("*.py") if each.parent.name != "socketio")
TUTORIAL = sorted((ROOT / "docs" / "tutorial").glob("[0-9]*.md"))
WRONG = """\
from typing import Protocol

from filtered_websocket import Connection, Pipeline, Publication, Request, StorageObject
from filtered_websocket.filters.base import WebSocketConsumerFilter, WebSocketHandshakeFilter, WebSocketMessageFilter


class Member(Connection, Protocol):
    name: str


class Enter(WebSocketHandshakeFilter):
    @classmethod
    def filter(cls, web_socket_instance: Member, data: Request) -> None:
        web_socket_instance.name = data.path
        web_socket_instance.name = data.params
        web_socket_instance.nome = ""


class Say(WebSocketMessageFilter):
    @classmethod
    async def filter(cls, web_socket_instance: Member, data: bytearray) -> None:
        web_socket_instance.sendMesage(web_socket_instance.name)
        await keep(web_socket_instance.storage_object, web_socket_instance.name)


class Hear(WebSocketConsumerFilter):
    @classmethod
    def filter(cls, pipeline: Pipeline, data: Publication) -> None:
        pipeline.publish(data.channel, data.payload)
        pipeline.publish(5, data.payload)


async def keep(storage: StorageObject, name: str) -> None:
    await storage.add("names", 5)
"""
FAULTS = {15, 16, 22, 30, 34}
"""Its lines that are wrong."""
TESTS = """\
import asyncio

import pytest

from filtered_websocket.testing import FilterFailed, Refused, Server, StartServer, StillWaiting


def test_chat(fws_server: StartServer) -> None:
    server = fws_server("chat_server", max_message_size=100)
    ann, bob = server.connect("/room", headers={"Cookie": "a=b"}), server.connect()
    ann.send("hi")
    assert bob.received() == ["hi"]
    bob.stall()
    server.drop_next("room", 2)
    with server.storage.away(), pytest.raises(Refused):
        server.connect()
    bob.read_on()
    server.advance(5)
    server.socketio("/chat").emit("event", 1)


def test_on_asyncio(fws_server: StartServer) -> None:
    server = fws_server(reactor="asyncio")
    server.reactor.patience = 0.1
    with pytest.raises(StillWaiting):
        server.result(asyncio.sleep(60))


def test_without_the_fixture() -> None:
    with pytest.raises(FilterFailed), Server("chat_server", reactor="asyncio") as server:
        server.connect().send(b"bytes")
"""


def tutorial() -> Iterator[tuple[str, str]]:
    """Its files, as it has them at last."""
    written = {name: text for page in TUTORIAL for name, _, text in BLOCK.findall(page.read_text())}
    return ((name, text) for name, text in written.items() if name.endswith(".py"))


@pytest.mark.parametrize("check", [mypy, pyright])
def test_strict_checkers_find_what_is_wrong_and_nothing_in_the_examples_and_the_tutorial(
    check: Check, tmp_path: Path
) -> None:
    files = [tmp_path / "wrong.py"]
    files[0].write_text(WRONG)
    files.append(tmp_path / "test_of_a_user.py")
    files[1].write_text(TESTS)
    for name, text in tutorial():
        files.append(tmp_path / "tutorial" / name)
        files[-1].parent.mkdir(exist_ok=True)
        files[-1].write_text(text)
    assert len(files) > 7
    found = check(tmp_path, [*files, *EXAMPLES])
    assert {place: said for place, said in found.items() if place[0] != "wrong.py"} == {}
    assert {line for _, line in found} == FAULTS, found


def test_an_editor_completes_what_a_filter_gets() -> None:
    asked = 0
    with here.kept():
        jedi.Script("import sys; sys.").complete()  # in a process, which it keeps for all that it is asked
    for source in [*(text for _, text in tutorial()), *(each.read_text() for each in EXAMPLES)]:
        script = jedi.Script(source)
        for number, line in enumerate(source.splitlines(), 1):
            before, found, _ = line.partition("web_socket_instance.")
            if found:
                asked += 1
                offered = script.complete(number, len(before + found))
                wanted = {"sendMessage", "publish", "subscribe", "user", "request", "close"}
                assert wanted <= {each.name for each in offered}, line
    assert asked > 10


def test_the_types_of_what_filters_get_are_given_when_they_are_asked_for() -> None:
    names = ("Connection", "Pipeline", "Request", "Publication", "StorageObject")
    given = tuple(getattr(filtered_websocket, name) for name in names)
    assert given == (Connection, Pipeline, Request, Publication, Storage)
    assert set(names) == set(filtered_websocket.__all__)
    with pytest.raises(AttributeError, match="module 'filtered_websocket' has no attribute 'Server'"):
        filtered_websocket.Server  # noqa: B018


def test_the_package_itself_loads_no_twisted_and_its_publisher_no_reactor() -> None:
    program = (
        "import sys, filtered_websocket; assert 'twisted' not in sys.modules\n"
        "import filtered_websocket.publisher; assert 'twisted.internet.reactor' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)

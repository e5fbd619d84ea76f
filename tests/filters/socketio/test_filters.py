"""The pack in a pipeline: an application is a module that imports it."""

import sys
from pathlib import Path
from typing import Any

import pytest

from filtered_websocket.errors import Reject
from filtered_websocket.filters.base import WebSocketHandshakeFilter
from filtered_websocket.filters.socketio import SocketIOEventFilter
from filtered_websocket.filters.socketio.filters import Hear
from filtered_websocket.testing.client import Refused
from filtered_websocket.testing.server import Server
from tests.filters.socketio.clients import PACK, Echo, client, start
from tests.filters.ws_emit.clients import WEBSOCKET

APPLICATION = """
from filtered_websocket.filters.socketio import SocketIOEventFilter

class Say(SocketIOEventFilter):
    event = "say"

    @classmethod
    def filter(cls, socket, *arguments):
        socket.broadcast.emit("said", *arguments)
        return "heard"
"""


def test_an_application_brings_the_pack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "fws_say_application.py").write_text(APPLICATION)
    with Server("fws_say_application") as server:
        one, two = client(server), client(server)
        one.send('421["say","hi"]')
        assert one.received() == ['431["heard"]']
        assert two.received() == ['42["said","hi"]']


def test_two_pipelines_have_each_its_own_clients_and_filters() -> None:
    with Server(pipelines={"/a/*": [PACK, Echo], "/b/*": [PACK]}, socketio_cors=["*"]) as server:
        one, two = (server.connect(WEBSOCKET.replace("/socket.io", f"/{name}/socket.io")) for name in "ab")
        for made in (one, two):
            made.send("40")
            made.send('421["echo"]')
        assert one.received()[2:] == ["431[]"]
        assert two.received()[2:] == []


@pytest.mark.parametrize("path", ["/other/?EIO=4&transport=websocket", "/?EIO=4&transport=websocket"])
def test_elsewhere_nothing_is_served(path: str) -> None:
    with start(Echo) as server, pytest.raises(Refused) as refused:
        server.connect(path)
    assert refused.value.status == 404


@pytest.mark.parametrize("item", [5, {}, {"channel": b"socketio::cluster", "data": 1}, {"channel": 1, "data": b"x"}])
def test_other_items_of_the_bus_are_nothing_to_the_pack(item: Any) -> None:
    with start(Echo) as server:
        Hear.filter(server.pipeline(), item)  # type: ignore[arg-type]
        assert not server.server.counters.totals


def test_the_application_of_the_page_does_what_the_page_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (Path(__file__).parents[3] / "docs" / "packs" / "socketio.md").read_text()
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "fws_page_application.py").write_text(page.split("```python\n")[1].split("```")[0])
    with Server("fws_page_application") as server:
        ann, ben = client(server, auth={"name": "ann"}), client(server, auth={"name": "ben"})
        ann.send('421["say","hello"]')
        assert ann.received() == ['431["heard"]']
        assert ben.received() == ['42["said","ann","hello"]']
        ann.close()
        assert ben.received() == ['42["left","ann","transport close"]']
        nobody = server.connect(WEBSOCKET)
        nobody.send("40")
        assert nobody.received()[1:] == ['44{"message":"a name is wanted","data":{"ask":"name"}}']


@pytest.mark.parametrize("transport", ["websocket", "polling"])
def test_handshake_filters_decide_for_clients_that_poll_too(transport: Any) -> None:
    class Door(WebSocketHandshakeFilter):
        @classmethod
        def filter(cls, connection: Any, request: Any) -> None:
            if request.params.get("word") != ["sesame"]:
                raise Reject(401, "the word is wanted")
            connection.token = "sesame"

    class Token(SocketIOEventFilter):
        event = "token"

        @classmethod
        def filter(cls, socket: Any) -> Any:
            return socket.connection.token

    with Server(Door, PACK, Token) as server:
        with pytest.raises(Refused, match="401"):
            server.socketio(transport=transport)
        assert not server.pipeline().users
        assert server.socketio(path="/socket.io/?word=sesame", transport=transport).call("token") == ["sesame"]

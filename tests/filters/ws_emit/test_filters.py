"""The filters of the pack: where it is served, and what it carries out."""

import json
from typing import Any

import pytest

from filtered_websocket.errors import Reject
from filtered_websocket.filters.base import WebSocketHandshakeFilter
from filtered_websocket.testing.client import Refused
from filtered_websocket.testing.server import Server
from tests.filters.ws_emit.clients import PACK, POLLING, Poller, ask, socket


def test_a_pipeline_of_its_own_paths_has_the_pack_there_and_nowhere_else() -> None:
    with Server(pipelines={"/live/*": {"filters": [PACK], "ws_emit_secret": "1"}, "/other/*": [PACK]}) as server:
        client = socket(server, uri="/live/socket.io/?EIO=4&transport=websocket")
        polling = Poller(server, uri="/live/socket.io/?EIO=4&transport=polling")
        other = socket(server, uri="/other/socket.io/?EIO=4&transport=websocket")
        body = json.dumps({"event": "e", "secret": "1"})
        kind = {"content-type": "application/json"}
        assert ask(server, "POST", "/live/emit", body, kind).status == 200
        assert client.received() == polling.received() == ['42["e"]']
        assert other.received() == []
        assert ask(server, "POST", "/other/emit", body, kind).status == 404
        assert ask(server, "POST", "/emit", body, kind).status == 404
        with pytest.raises(Refused):
            server.connect("/socket.io/?EIO=4&transport=websocket")


def test_on_all_paths_the_pack_is_where_clients_look_for_it(server: Server) -> None:
    for method, path in (("GET", "/x/socket.io/?EIO=4&transport=polling"), ("POST", "/x/emit")):
        assert ask(server, method, path, "{}", {"content-type": "application/json"}).status == 404


def test_handshake_filters_decide_for_clients_that_poll_too() -> None:
    class Door(WebSocketHandshakeFilter):
        @classmethod
        def filter(cls, connection: Any, request: Any) -> None:
            if request.params.get("word") != ["sesame"]:
                raise Reject(401, "the word is wanted")

    with Server(Door, PACK) as server:
        assert ask(server, "GET", POLLING).status == 401
        assert not server.pipeline().users
        assert Poller(server, uri=f"{POLLING}&word=sesame").id

"""emit(), as filters of users have it, and the pack in a pipeline of its own paths."""

import json
from typing import Any

import pytest
from twisted.internet.defer import Deferred, fail

from filtered_websocket.errors import StopChain
from filtered_websocket.filters.base import WebSocketMessageFilter
from filtered_websocket.filters.ws_emit.emit import emit
from filtered_websocket.filters.ws_emit.engineio.packets import Malformed
from filtered_websocket.storage_objects.base import StorageAway
from filtered_websocket.storage_objects.memory import StorageObject
from filtered_websocket.testing.client import Refused
from filtered_websocket.testing.server import Server
from tests.filters.ws_emit.clients import PACK, Poller, ask, socket


class Relay(WebSocketMessageFilter):
    """["say", text] goes to everybody else."""

    @classmethod
    def filter(cls, web_socket_instance: Any, data: bytearray) -> None:
        if data.startswith(b'42["say",'):
            text = json.loads(data[2:])[1]
            emit(web_socket_instance.pipeline, "said", text, skip=web_socket_instance.id)
            raise StopChain


def test_a_filter_emits_to_the_others_whatever_their_transport() -> None:
    with Server(Relay, PACK) as server:
        ws, other, polling = socket(server), socket(server), Poller(server)
        ws.send('42["say","hi"]')
        polling.post('42["say","ho"]')
        assert ws.received() == ['42["said","ho"]']
        assert other.received() == ['42["said","hi"]', '42["said","ho"]']
        assert polling.received() == ['42["said","hi"]']


def test_arguments_rooms_and_bytes_are_as_given(server: Server) -> None:
    client = socket(server)
    client.send('42["join",{"room":"a"}]')
    client.sync()
    pipeline = server.pipeline()
    emit(pipeline, "none")
    emit(pipeline, "two", 1, [2], room="a")
    emit(pipeline, "one copy", (1,), room=["a", client.sid])  # type: ignore[attr-defined]
    emit(pipeline, "bytes", {"in": b"\0"}, room=client.sid)  # type: ignore[attr-defined]
    emit(pipeline, "not here", room=["b"])
    emit(pipeline, "nowhere", room=[])
    assert client.received() == [
        '42["none"]',
        '42["two",1,[2]]',
        '42["one copy",[1]]',
        '451-["bytes",{"in":{"_placeholder":true,"num":0}}]',
        b"\0",
    ]
    with pytest.raises(Malformed):
        emit(pipeline, "nan", float("nan"))


class AwayStorage(StorageObject):
    def publish(self, channel: str, data: str | bytes) -> Deferred[None]:
        return fail(StorageAway("not now"))


def test_an_emission_that_fails_and_that_nobody_looks_at_is_counted() -> None:
    with Server(PACK, storage_object=AwayStorage()) as server:
        emit(server.pipeline(), "lost")
        server.settle()
        assert server.server.counters.totals["failed", "emit"] == 1


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

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
from filtered_websocket.testing.server import Server
from tests.filters.ws_emit.clients import PACK, Poller, socket


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

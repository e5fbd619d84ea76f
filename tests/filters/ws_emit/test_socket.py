"""The client in the namespace: its rooms."""

import json

import pytest

from filtered_websocket.testing.server import Server
from tests.filters.ws_emit.clients import PACK, Poller, emit, socket


def test_rooms_are_entered_once_and_left_at_the_end(server: Server) -> None:
    client, polling = socket(server), Poller(server)
    for _ in range(3):
        client.send('42["join",{"room":"a"}]')
        polling.post('42["join",{"room":"a"}]')
    emit(server, event="e", room=["a", "b"], secret="123")
    assert client.received() == polling.received() == ['42["e"]']
    client.send("41")
    polling.post("41")
    hub = server.pipeline().hub
    client.sync()
    assert not hub.channels
    client.send("40")
    client.send('42["join",{"room":"a"}]')
    client.sync()
    assert set(hub.channels) == {"a", "\0everybody", client.sid}  # type: ignore[attr-defined]
    client.abort()
    assert not hub.channels
    assert not server.pipeline().ws_emit.namespace.sockets  # type: ignore[attr-defined]


def test_one_copy_for_a_client_in_several_rooms_and_none_for_one_that_is_skipped(server: Server) -> None:
    clients = [socket(server), socket(server), socket(server)]
    for client, rooms in zip(clients, (["a", "b"], ["b"], ["a"]), strict=True):
        for room in rooms:
            client.send(f'42["join",{{"room":"{room}"}}]')
        client.sync()
    skipped = clients[2].sid  # type: ignore[attr-defined]
    message = {"method": "emit", "event": "e", "data": 1, "room": ["a", "b"], "skip_sid": skipped}
    server.result(server.storage_object.publish("flask-socketio", json.dumps(message)))
    assert [client.received() for client in clients] == [['42["e",1]'], ['42["e",1]'], []]


@pytest.mark.parametrize("room", ["null", "5", "[]", "{}", "true"])
def test_leaving_what_is_no_room_leaves_one_where_one_is(server: Server, room: str) -> None:
    client = socket(server)
    client.send(f'421["leave",{{"room":{room}}}]')
    client.send('422["leave",{"room":"\\u0000everybody"}]')
    emit(server, event="e", secret="123")
    assert client.received() == ["431[]", "432[]", '42["e"]']


def test_a_client_is_in_no_more_rooms_than_the_option_says_nor_in_one_of_too_long_a_name() -> None:
    with Server(PACK, max_channels=4, ws_emit_secret="1") as server:
        client = socket(server)
        for room in ("a" * 256, "a", "b", "c"):
            client.send(f'421["join",{{"room":"{room}"}}]')
            assert client.received() == ["431[]"]
        for room in ("a" * 256, "a", "b", "c"):
            emit(server, event="e", data=room[:2], room=room, secret="1")
        assert client.received() == ['42["e","a"]', '42["e","b"]']
        assert server.server.counters.totals["refused", "ws_emit: too many rooms, or too long a name"] == 2

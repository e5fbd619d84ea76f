"""A session on a WebSocket."""

import json

import pytest

from filtered_websocket.testing.server import Server
from tests.filters.ws_emit.clients import PACK, WEBSOCKET, Poller, emit, socket


def test_a_slow_client_does_not_keep_events_from_others() -> None:
    with Server(PACK, ws_emit_secret="1", ws_emit_polling_buffer=4000) as server:
        slow, fast, ws = Poller(server), Poller(server), socket(server)
        for number in range(100):
            get = fast.get()
            emit(server, event="e", data=[number, "x" * 100], secret="1")
            assert get.text == ws.received()[0] == f'42["e",[{number},"{"x" * 100}"]]'
        assert slow.get().status == 400
        assert server.server.counters.totals["closed", "slow client"] == 1


def test_clients_of_engine_io_3_are_served_on_a_websocket(server: Server) -> None:
    client = server.connect("/socket.io/?EIO=3&transport=websocket")
    greeting, connected = client.received()
    assert isinstance(greeting, str)
    assert set(json.loads(greeting[1:])) == {"sid", "upgrades", "pingTimeout", "pingInterval"}
    assert connected == "40"
    client.send('421["join",{"room":"a"}]')
    client.send("2")
    client.send('451-2["join",{"_placeholder":true,"num":0}]')
    client.send(b"\4\1")
    client.send("40/other")
    assert client.received() == ["431[]", "3", "432[]", '44/other,"Unable to connect"']
    data = [[{"_placeholder": True, "num": 0}], "AQ=="]
    message = {"method": "emit", "event": "e", "data": data, "binary": True, "room": "a"}
    server.result(server.storage_object.publish("flask-socketio", json.dumps(message)))
    assert client.received() == ['451-["e",{"_placeholder":true,"num":0}]', b"\4\1"]
    emit(server, event="x", room=json.loads(greeting[1:])["sid"], secret="123")
    client.send("2hello")
    assert client.received() == ['42["x"]', "3hello"]
    client.send(b"\1")
    assert client.close_code == 1002


def test_a_client_of_engine_io_3_stays_while_it_pings(server: Server) -> None:
    client = server.connect("/socket.io/?EIO=3&transport=websocket")
    client.received()
    for _ in range(8):
        server.advance(25.5)
        client.send("2")
        assert client.received() == ["3"]
    server.advance(44)
    assert client.is_open
    server.advance(1)
    assert not client.is_open


@pytest.mark.parametrize(("uri", "packet"), [(WEBSOCKET, "bAQD/"), (WEBSOCKET.replace("EIO=4", "EIO=3"), "b4AQD/\n")])
def test_bytes_in_base64_are_bytes_on_a_websocket_too(server: Server, uri: str, packet: str) -> None:
    client = socket(server, uri=uri) if "EIO=4" in uri else server.connect(uri)
    client.received()
    client.send('451-7["dance",{"_placeholder":true,"num":0}]')
    client.send(packet)
    assert client.received() == ["437[]"]
    client.send("b!")
    assert client.close_code == 1002

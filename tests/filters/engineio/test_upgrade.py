"""From polling to a WebSocket: nothing is lost, nothing comes twice, nothing out of order."""

import json

import pytest

from filtered_websocket.testing.client import Refused
from filtered_websocket.testing.server import Server
from tests.filters.ws_emit.clients import Poller, emit
from tests.filters.ws_emit.pollers import joined


def told(server: Server, number: int) -> None:
    emit(server, event="e", data=number, room="a", secret="123")


def test_whatever_happens_between_probe_and_upgrade_arrives_once_and_in_order(server: Server) -> None:
    client = joined(server)
    get = client.get()
    told(server, 0)
    assert get.text == '42["e",0]'
    told(server, 1)
    ws = client.websocket()
    told(server, 2)
    ws.send("2probe")
    told(server, 3)
    assert client.get().text == '42["e",1]\x1e42["e",2]\x1e42["e",3]'
    assert client.get().text == "6"  # so that the client comes to its end of polling
    client.post('427["leave",{}]')
    told(server, 4)
    ws.send("5")
    told(server, 5)
    assert ws.received() == ["3probe", "437[]", '42["e",4]', '42["e",5]']


def test_messages_that_are_published_in_the_turn_of_the_upgrade_are_not_lost(server: Server) -> None:
    client = joined(server)
    ws = client.websocket()
    ws.send("2probe")
    ws.received()
    message = {"method": "emit", "event": "e", "data": 1, "room": "a"}
    server.storage_object.publish("flask-socketio", json.dumps(message))
    ws.send("5")
    assert ws.received() == ['42["e",1]']


def test_a_get_that_still_waits_is_answered_when_the_websocket_has_taken_over(server: Server) -> None:
    client = joined(server)
    ws = client.websocket()
    get = client.get()
    ws.send("5")
    assert get.text == "6"


def test_attachments_may_come_by_the_websocket_for_a_text_that_was_posted(server: Server) -> None:
    client = joined(server)
    client.post('452-9["x",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]', "bAQ==")
    ws = client.websocket()
    ws.send("5")
    ws.send(b"\2")
    assert ws.received() == ["439[]"]


def test_a_client_that_was_not_connected_yet_connects_on_the_websocket(server: Server) -> None:
    client = Poller(server, connect=False)
    ws = client.websocket()
    ws.send("2probe")
    ws.send("5")
    ws.send("40")
    assert ws.received()[1].startswith("40{")  # type: ignore[union-attr]


def test_a_probe_that_comes_to_nothing_leaves_the_session_as_it_is(server: Server) -> None:
    client = joined(server)
    ws = client.websocket()
    ws.send("2probe")
    assert client.get().text == "6"
    ws.close()
    assert not ws.is_open
    get = client.get()
    assert get.waits
    told(server, 1)
    assert get.text == '42["e",1]'


def test_an_upgrade_that_never_comes_does_not_make_the_client_poll_for_ever(server: Server) -> None:
    client = joined(server)
    ws = client.websocket()
    ws.send("2probe")
    assert client.get().text == "6"
    server.advance(10.1)
    client.post("3")
    packets = client.get()
    assert packets.waits or packets.text == "2"


@pytest.mark.parametrize("packet", ["40", "2", "3probe", "", "x"])
def test_a_websocket_that_is_to_take_over_says_nothing_else_first(server: Server, packet: str) -> None:
    client = joined(server)
    ws = client.websocket()
    ws.send(packet)
    assert ws.close_code == 1002
    assert client.get().waits


def test_a_websocket_that_does_not_take_over_in_time_is_closed(server: Server) -> None:
    client = Poller(server)
    silent, probing, upgraded = (client.websocket() for _ in range(3))
    probing.send("2probe")
    upgraded.send("2probe")
    upgraded.send("5")
    server.advance(9)
    assert silent.is_open
    server.advance(1)
    assert (silent.close_code, probing.close_code) == (1002, 1002)
    assert upgraded.is_open


def test_a_session_is_among_the_users_whatever_comes_of_its_upgrades(server: Server) -> None:
    client, users = Poller(server), server.pipeline().users
    polling = users[client.id]
    failing, second = client.websocket(), client.websocket()
    failing.send("2probe")
    failing.close()
    assert users == {client.id: polling}
    upgraded = client.websocket()
    upgraded.send("2probe")
    assert users == {client.id: polling}
    upgraded.send("5")
    assert users == {client.id: upgraded.connection}
    second.close()
    assert users == {client.id: upgraded.connection}
    upgraded.close()
    assert not users


@pytest.mark.parametrize("sid", ["x", "x" * 30, "%00", "é"])
def test_a_websocket_for_no_session_is_refused(server: Server, sid: str) -> None:
    with pytest.raises(Refused) as refused:
        server.connect(f"/socket.io/?EIO=4&transport=websocket&sid={sid}".encode("ascii", "replace").decode())
    assert refused.value.status == 400


def test_a_client_of_engine_io_3_upgrades(server: Server) -> None:
    client = Poller(server, connect=False, uri="/socket.io/?EIO=3&transport=polling")
    client.post('24:421["join",{"room":"a"}]')
    client.get()
    ws = client.websocket()
    ws.send("2probe")
    ws.send("5")
    told(server, 1)
    assert ws.received() == ["3probe", '42["e",1]']
    assert ws.connection.id == client.sid

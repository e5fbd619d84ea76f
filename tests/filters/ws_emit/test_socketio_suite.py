"""The public test suite of Socket.IO 5, test for test; what does not apply is in docs/packs/ws_emit.md.

The suite's server echoes events of its own; here join and leave stand for them. Every test runs on both transports.
"""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

from filtered_websocket.testing.server import Server
from tests.filters.ws_emit.clients import Poller, emit, socket


class OnWebSocket:
    def __init__(self, server: Server, connect: bool = True) -> None:
        self._client = socket(server, connect=False)
        if connect:
            self.send("40")
            (answer,) = self.received()
            self.id = json.loads(answer[2:])["sid"]

    def send(self, *packets: str | bytes) -> None:
        for packet in packets:
            self._client.send(packet)

    def received(self) -> list[Any]:
        return self._client.received()

    @property
    def is_closed(self) -> bool:
        return not self._client.is_open


class OnPolling:
    def __init__(self, server: Server, connect: bool = True) -> None:
        self._client = Poller(server, connect=connect)
        if connect:
            self.id = self._client.id

    def send(self, *packets: str | bytes) -> None:
        self._client.post(*(packet if isinstance(packet, str) else "b" + _base64(packet) for packet in packets))

    def received(self) -> list[Any]:
        get = self._client.get()
        if get.waits:
            get.go_away()
            return []
        return [_plain(packet) for packet in get.text.split("\x1e")]

    @property
    def is_closed(self) -> bool:
        get = self._client.get()
        return not get.waits and get.status == 400


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _plain(packet: str) -> str | bytes:
    return base64.b64decode(packet[1:]) if packet.startswith("b") else packet


Connect = Callable[..., Any]


@pytest.fixture(params=[OnWebSocket, OnPolling])
def connect(request: Any, server: Server) -> Connect:
    return lambda connect=True: request.param(server, connect)


# Connect.


@pytest.mark.parametrize("packet", ["40", '40{"token":"123"}', "40/,"])
def test_a_client_connects_with_a_payload_or_without(connect: Connect, packet: str) -> None:
    client = connect(connect=False)
    client.send(packet)
    (answer,) = client.received()
    assert answer.startswith('40{"sid":"')
    assert len(json.loads(answer[2:])["sid"]) == 20


@pytest.mark.parametrize("packet", ["40/random", "40/random,", '40/random,{"token":"abc"}', "40/random?a=b,"])
def test_another_namespace_is_refused(connect: Connect, packet: str) -> None:
    client = connect()
    client.send(packet)
    assert client.received() == ['44/random,{"message":"Unable to connect"}']


@pytest.mark.parametrize("packet", ["4abc", "4", "40{", "47", '4-["a"]'])
def test_a_handshake_that_is_none_ends_the_session(connect: Connect, packet: str) -> None:
    client = connect(connect=False)
    client.send(packet)
    assert client.is_closed


def test_connecting_again_is_answered_again_and_changes_nothing(connect: Connect) -> None:
    client = connect()
    client.send("40", '421["join",{"room":"a"}]')
    assert client.received() == [f'40{{"sid":"{client.id}"}}', "431[]"]


# Disconnect.


def test_a_client_that_disconnects_gets_no_events_and_may_connect_again(connect: Connect, server: Server) -> None:
    client = connect()
    client.send('42["join",{"room":"a"}]', "41", '421["join",{"room":"a"}]')
    assert emit(server, event="u", room="a", secret="123").status == 200
    assert emit(server, event="u", secret="123").status == 200
    client.send("40")
    (answer,) = client.received()
    assert answer.startswith("40{")
    assert emit(server, event="u", data=1, secret="123").status == 200
    assert client.received() == ['42["u",1]']


def test_leaving_a_namespace_that_one_is_not_in_changes_nothing(connect: Connect) -> None:
    client = connect()
    client.send("41/random,", '42/random,["join",{"room":"a"}]', '42/random,7["join",{}]', '421["leave",{}]')
    assert client.received() == ["431[]"]


def test_the_server_disconnects_whom_the_bus_names(connect: Connect, server: Server) -> None:
    client = connect()
    message = json.dumps({"method": "disconnect", "sid": client.id, "namespace": "/", "host_id": "x"})
    server.result(server.storage_object.publish("flask-socketio", message))
    assert client.received() == ["41"]


# Messages.


def test_a_plain_event_is_sent_as_it_is(connect: Connect, server: Server) -> None:
    client = connect()
    assert emit(server, event="message", data=[1, "2", {"3": [True]}], secret="123").text == "OK\n"
    assert client.received() == ['42["message",[1,"2",{"3":[true]}]]']


def test_an_event_with_attachments_is_sent_with_them(connect: Connect, server: Server) -> None:
    client = connect()
    data = [[{"_placeholder": True, "num": 0}, "x", {"y": {"_placeholder": True, "num": 1}}], "AQID", "BAUG"]
    message = {"method": "emit", "event": "message", "data": data, "binary": True}
    server.result(server.storage_object.publish("flask-socketio", json.dumps(message)))
    assert client.received() == [
        '452-["message",{"_placeholder":true,"num":0},"x",{"y":{"_placeholder":true,"num":1}}]',
        b"\1\2\3",
        b"\4\5\6",
    ]


def test_an_event_with_an_id_is_acknowledged(connect: Connect) -> None:
    client = connect()
    client.send('42456["join",{"room":"a"}]')
    assert client.received() == ["43456[]"]


def test_an_event_with_attachments_is_acknowledged_when_they_are_there(connect: Connect) -> None:
    client = connect()
    client.send('452-789["join",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]', b"\1\2\3")
    client.send(b"\4\5\6")
    assert client.received() == ["43789[]"]


@pytest.mark.parametrize(
    "packets",
    [
        ["42{}"],
        ['42abc["message-with-ack",1,"2",{"3":[false]}]'],
        ["42"],
        ["42["],
        ['451-["a"]', "3", "42[]"],
        ['451-["a"]', '42["b"]'],
        [b"\1"],
        ['45["a"]'],
        ['421-["a"]'],
    ],
)
def test_a_packet_of_wrong_form_ends_the_session(connect: Connect, packets: list[Any]) -> None:
    client = connect()
    client.send(*packets)
    assert client.is_closed


@pytest.mark.parametrize("data", ["[]", "[null]", "[5]", '["dance"]', '["join"]', '["join",5]', '["join",{}]', "[[]]"])
def test_events_that_mean_nothing_are_acknowledged_and_the_client_stays(connect: Connect, data: str) -> None:
    client = connect()
    client.send(f"421{data}", '422["leave",{}]')
    assert client.received() == ["431[]", "432[]"]


@pytest.mark.parametrize("packet", ["431[]", "43/x,1[]", '461-2["a"]', '44{"message":"x"}'])
def test_packets_that_no_client_needs_send_are_ignored(connect: Connect, packet: str) -> None:
    client = connect()
    client.send(packet, *([b"\1"] if packet.startswith("46") else []), '422["leave",{}]')
    assert client.received() == ["432[]"]


def test_events_before_the_client_is_connected_are_ignored(connect: Connect) -> None:
    client = connect(connect=False)
    client.send('421["join",{"room":"a"}]', "40")
    (answer,) = client.received()
    assert answer.startswith("40{")

"""The public test suite of Engine.IO 4, test for test; what does not apply is in docs/packs/ws_emit.md."""

import itertools
import re
from typing import Any

import pytest

from filtered_websocket.testing.client import Refused
from filtered_websocket.testing.server import Server
from tests.filters.ws_emit.clients import POLLING, WEBSOCKET, Poller, ask, socket

# Handshake, polling.


def test_polling_opens_a_session(server: Server) -> None:
    answer = ask(server, "GET", POLLING)
    assert answer.status == 200
    assert answer.response.content_type == "text/plain; charset=UTF-8"
    assert answer.text[0] == "0"
    handshake = Poller(server, connect=False).handshake
    assert set(handshake) == {"sid", "upgrades", "pingInterval", "pingTimeout", "maxPayload"}
    assert re.fullmatch(r"[\w-]{20,}", handshake["sid"])
    assert handshake["upgrades"] == ["websocket"]
    assert (handshake["pingInterval"], handshake["pingTimeout"], handshake["maxPayload"]) == (25000, 20000, 1000000)


@pytest.mark.parametrize(
    "query",
    ["transport=polling", "EIO=abc&transport=polling", "EIO=4", "EIO=4&transport=abc", "EIO=5&transport=polling", ""],
)
def test_polling_without_a_known_version_and_transport_is_refused(server: Server, query: str) -> None:
    assert ask(server, "GET", f"/socket.io/?{query}").status == 400


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_a_session_begins_with_a_get(server: Server, method: str) -> None:
    assert ask(server, method, POLLING).status == 400


# Handshake, WebSocket.


def test_a_websocket_opens_a_session(server: Server) -> None:
    client = server.connect(WEBSOCKET)
    (greeting,) = client.received()
    assert isinstance(greeting, str)
    assert re.fullmatch(
        r'0\{"sid":"[\w-]{20,}","upgrades":\[\],"pingTimeout":20000,"pingInterval":25000,"maxPayload":1000000\}',
        greeting,
    )


@pytest.mark.parametrize(
    "query",
    ["transport=websocket", "EIO=abc&transport=websocket", "EIO=4", "EIO=4&transport=abc", "EIO=4&transport=polling"],
)
def test_a_websocket_without_a_known_version_and_transport_is_refused(server: Server, query: str) -> None:
    with pytest.raises(Refused) as refused:
        server.connect(f"/socket.io/?{query}")
    assert refused.value.status == 400


# Messages, polling.


def test_polling_carries_several_packets_at_once(server: Server) -> None:
    client = Poller(server, connect=False)
    assert client.post("40", '421["join",{}]', '422["leave",{}]').text == "ok"
    assert client.received()[1:] == ["431[]", "432[]"]


def test_polling_carries_binary_packets_as_base64(server: Server) -> None:
    client = Poller(server)
    assert client.post('451-3["join",{"_placeholder":true,"num":0}]', "bAQIDBA==").text == "ok"
    assert client.received() == ["433[]"]


@pytest.mark.parametrize("body", ["abc", "", "\x1e", "8", "b!", "4x"])
def test_polling_with_a_wrong_packet_ends_the_session(server: Server, body: str) -> None:
    client = Poller(server)
    client.post(body)
    assert client.get().status == 400


def test_two_gets_at_a_time_end_the_session(server: Server) -> None:
    client = Poller(server)
    first, second = client.get(), client.get()
    assert (first.status, first.text) == (200, "1")
    assert second.status == 400
    assert client.get().status == 400


def test_a_get_that_is_given_up_ends_the_session(server: Server) -> None:
    client = Poller(server)
    first = client.get()
    assert first.waits
    first.go_away()
    assert client.get().status == 400


# Messages, WebSocket.


def test_a_websocket_carries_text_and_bytes(server: Server) -> None:
    client = socket(server)
    client.send('421["join",{"room":"a"}]')
    client.send('451-2["join",{"_placeholder":true,"num":0}]')
    client.send(b"\1\2\3")
    assert client.received() == ["431[]", "432[]"]


@pytest.mark.parametrize("packet", ["abc", "", "8", "0", "2", b"\1\2", "4", "4x"])
def test_a_websocket_with_a_wrong_packet_is_closed(server: Server, packet: Any) -> None:
    client = socket(server)
    client.send(packet)
    assert (client.close_code, client.close_reason) == (1002, "parse error")


# Heartbeat.


def test_polling_that_answers_pings_goes_on(server: Server) -> None:
    client, pings = Poller(server), []
    get = client.get()
    for second in range(130):
        server.advance(1)
        if not get.waits:
            assert get.text == "2"
            pings.append(second)
            client.post("3")
            get = client.get()
    assert pings[0] < 25
    assert {later - earlier for earlier, later in itertools.pairwise(pings)} == {25}
    assert len(pings) >= 5


def test_a_websocket_that_answers_pings_goes_on(server: Server) -> None:
    client, pings = socket(server), []
    for second in range(130):
        server.advance(1)
        if received := client.received():
            assert received == ["2"]
            pings.append(second)
            client.send("3")
    assert pings[0] < 25
    assert {later - earlier for earlier, later in itertools.pairwise(pings)} == {25}
    assert len(pings) >= 5


def test_a_websocket_that_does_not_answer_a_ping_is_closed(server: Server) -> None:
    client = socket(server)
    for _ in range(46):
        server.advance(1)
        if not client.is_open:
            break
        client.sync()  # pings of the WebSocket itself are no sign of life of the session
    assert not client.is_open


def test_polling_that_does_not_answer_a_ping_ends(server: Server) -> None:
    client = Poller(server)
    server.advance(46)
    assert client.get().status == 400
    assert client.sid not in server.pipeline().ws_emit.engine.polling  # type: ignore[attr-defined]


# Close.


def test_polling_ends_when_the_client_says_so(server: Server) -> None:
    client = Poller(server)
    get = client.get()
    assert client.post("1").status == 200
    assert get.status == 200
    assert get.text == "6"
    assert client.get().status == 400


def test_a_websocket_ends_when_the_client_says_so(server: Server) -> None:
    client = socket(server)
    client.send("1")
    assert client.close_code == 1000


# Upgrade.


def test_polling_is_upgraded(server: Server) -> None:
    client = Poller(server)
    get = client.get()
    ws = client.websocket()
    ws.send("2probe")
    assert ws.received() == ["3probe"]
    assert get.text == "6"
    ws.send("5")
    ws.send('421["leave",{}]')
    assert ws.received() == ["431[]"]


def test_polling_of_an_upgraded_session_is_refused(server: Server) -> None:
    client = Poller(server)
    ws = client.websocket()
    ws.send("2probe")
    ws.send("5")
    assert client.get().status == 400
    assert client.post('42["leave",{}]').status == 400
    assert ws.is_open


def test_another_websocket_for_an_upgraded_session_is_refused(server: Server) -> None:
    client = Poller(server)
    second = client.websocket()
    ws = client.websocket()
    ws.send("2probe")
    ws.send("5")
    with pytest.raises(Refused) as refused:
        client.websocket()
    assert refused.value.status == 400
    for packet in ("2probe", "5"):
        if second.is_open:
            second.send(packet)
    assert second.close_code == 1002
    ws.send('421["leave",{}]')
    assert ws.received()[-1] == "431[]"

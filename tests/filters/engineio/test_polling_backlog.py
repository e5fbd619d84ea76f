"""What waits for the next GET, and how a channel's policy for slow clients treats it."""

import json
from typing import Any

import pytest

from filtered_websocket.testing.server import Server
from tests.filters.ws_emit.clients import PACK, Poller, emit
from tests.filters.ws_emit.pollers import OLD, joined, told


def test_an_answer_has_no_more_packets_than_stock_clients_take(server: Server) -> None:
    client = Poller(server)
    client.post(*(f'42{number}["x"]' for number in range(40)))
    received = [client.received() for _ in range(3)]
    assert [len(each) for each in received] == [16, 16, 8]
    assert [packet for each in received for packet in each] == [f"43{number}[]" for number in range(40)]


def test_what_a_policy_loses_is_lost_as_a_whole_and_counted() -> None:
    with Server(PACK, ws_emit_secret="1", send_buffer=6144, channels={"a": {"slow": "drop-old"}}) as server:
        client = joined(server)
        data = [[{"_placeholder": True, "num": 0}], "eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4"]
        for _ in range(30):
            message = {"method": "emit", "event": "e", "data": data, "binary": True, "room": "a"}
            server.result(server.storage_object.publish("flask-socketio", json.dumps(message)))
        received = [packet for _ in range(2) for packet in client.received()]
        assert len(received) % 2 == 0
        assert received[::2] == ['451-["e",{"_placeholder":true,"num":0}]'] * (len(received) // 2)
        assert all(packet.startswith("b") for packet in received[1::2])
        lost = server.server.counters.totals["dropped", "slow client, drop-old"]
        assert lost == 30 - len(received) // 2 > 0


@pytest.mark.parametrize(("policy", "kept"), [("drop-new", range(12)), ("drop-old", range(88, 100)), ("latest", [99])])
def test_a_client_that_does_not_poll_loses_what_the_policy_says(policy: str, kept: Any) -> None:
    with Server(PACK, ws_emit_secret="1", send_buffer=4096, channels={"a": {"slow": policy}}) as server:
        client = joined(server)
        for number in range(100):
            told(server, [number, "x" * 55])
        assert [json.loads(packet[2:])[1][0] for packet in client.received()] == [*kept]
        assert server.server.counters.totals["dropped", f"slow client, {policy}"] == 100 - len(kept)
        told(server, "after")
        assert client.received() == ['42["e","after"]']


def test_what_comes_between_two_gets_waits_whatever_send_buffer_says() -> None:
    with Server(PACK, ws_emit_secret="1", ws_emit_eio3=True, send_buffer=1024) as server:
        client, old = joined(server), Poller(server, connect=False, uri=OLD)
        for number in range(3):
            told(server, [number, "x" * 900_000])
        emit(server, event="all", secret="1")
        assert client.post(*(f'42{number}["x"]' for number in range(10))).text == "ok"
        for number in range(3):
            assert client.received() == [f'42["e",[{number},"{"x" * 900_000}"]]']
        assert client.received() == ['42["all"]', *(f"43{number}[]" for number in range(10))]
        assert old.get().text == '9:42["all"]'
        assert server.server.counters.totals["closed", "slow client"] == 0


@pytest.mark.parametrize("policy", ["drop-new", "drop-old", "latest"])
def test_a_policy_does_not_lose_one_large_event_for_its_size(policy: str) -> None:
    with Server(PACK, ws_emit_secret="1", send_buffer=4096, channels={"a": {"slow": policy}}) as server:
        client = joined(server)
        if policy != "latest":
            told(server, "small")
        told(server, "x" * 500_000)
        assert client.received() == (['42["e","small"]'] if policy != "latest" else [f'42["e","{"x" * 500_000}"]'])
        if policy != "latest":
            assert client.received() == [f'42["e","{"x" * 500_000}"]']
        assert server.server.counters.totals["dropped", f"slow client, {policy}"] == 0


def test_what_waits_for_a_get_is_sent_to_the_websocket_that_takes_over_whatever_send_buffer_says() -> None:
    with Server(PACK, ws_emit_secret="1", send_buffer=1024) as server:
        client = joined(server)
        ws = client.websocket()
        ws.send("2probe")
        assert client.get().text == "6"
        for number in range(3):
            told(server, [number, "x" * 900_000])
        ws.send("5")
        assert ws.received() == ["3probe", *(f'42["e",[{number},"{"x" * 900_000}"]]' for number in range(3))]

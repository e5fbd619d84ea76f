"""What waits for the next GET, and how the option of slow clients treats it; posts; the end."""

import gc
import json
from typing import Any

from filtered_websocket.errors import Close
from filtered_websocket.filters.base import WebSocketConnectFilter
from filtered_websocket.testing.server import Server
from tests.filters.engineio import clients
from tests.filters.ws_emit.clients import PACK, Poller, ask, emit
from tests.filters.ws_emit.pollers import OLD, joined, told
from tests.support.ledger.steady import steady


def test_a_get_waits_until_there_is_something_and_takes_all_of_the_turn(server: Server) -> None:
    client = Poller(server)
    get = client.get()
    assert get.waits
    assert client.post('421["join",{}]', '422["join",{}]').text == "ok"
    assert get.text == "431[]\x1e432[]"
    assert client.get().waits


def test_a_thousand_packets_of_one_post_are_obeyed_in_order_while_others_have_their_turn(server: Server) -> None:
    client = Poller(server)
    order: list[Any] = []
    server.reactor.callLater(0, lambda: order.append("another"))
    post = client.post(*(f'42["join",{{"room":"{number}"}}]' for number in range(1000)))
    assert not order  # the first part is obeyed at once
    assert post.text == "ok"
    assert order == ["another"]
    assert len(server.pipeline().hub.channels) == 1002


def test_a_session_ends_for_which_something_waits_longer_than_it_may_be_silent(server: Server) -> None:
    client, old = Poller(server), Poller(server, connect=False, uri=OLD)
    emit(server, event="e", secret="123")
    for _ in range(7):
        # They are heard of, but never come for what waits.
        server.advance(7)
        client.post("3")
        ask(server, "POST", old.uri, "1:2")
    assert client.get().status == old.get().status == 400
    assert server.server.counters.totals["closed", "slow client"] == 2


def test_the_clock_of_a_session_stands_still_while_its_client_reads_a_large_answer() -> None:
    with Server(PACK, ws_emit_secret="1") as server:
        reads, silent = joined(server), joined(server)
        server.advance(20)
        told(server, "x" * 900_000)
        while reads.received() == ["2"]:
            pass
        server.advance(44)
        get = reads.get()
        assert get.waits
        assert silent.get().status == 400
        server.advance(2)
        assert get.text == "2"


def test_a_get_that_waits_when_its_client_is_given_up_is_answered_with_a_packet(server: Server) -> None:
    client = Poller(server)
    get = client.get()
    while get.waits:
        server.advance(1)
    assert get.text == "2"
    last = client.get()
    server.advance(20)
    assert last.text == "6"
    assert client.get().status == 400


def test_sessions_that_poll_are_told_when_the_server_stops() -> None:
    with Server(PACK) as server:
        client = Poller(server)
        get = client.get()
    assert get.text == "1"


def test_a_client_that_posts_more_than_the_rate_is_answered_later() -> None:
    with Server(PACK, message_rate=10) as server:
        client = Poller(server)
        post = client.post(*(f'42{number}["x"]' for number in range(60)))
        assert post.waits
        server.advance(1.3)
        assert post.text == "ok"
        received = [packet for _ in range(4) for packet in client.received()]
        assert received == [f"43{number}[]" for number in range(60)]
        assert server.server.counters.totals["slowed", "message_rate"] > 0


def test_a_post_that_waits_for_others_is_given_up_with_its_client() -> None:
    with Server(PACK, message_rate=1) as server:
        client = Poller(server)
        first, second, third = (client.post(*["42[1]"] * 5) for _ in range(3))
        assert first.waits
        second.go_away()
        gc.collect()  # what was never begun would be told of, and fail this test
        server.advance(30)
        assert first.text == third.text == "ok"


def test_a_client_that_posts_more_than_the_rate_is_ended_where_the_option_says_so() -> None:
    with Server(PACK, byte_rate=100, over_rate="close") as server:
        client = Poller(server)
        client.post(*(f'42{number}["{"x" * 90}"]' for number in range(10)))
        assert client.get().text.startswith("430[]")
        assert client.get().text == "1"
        assert client.get().status == 400
        assert server.server.counters.totals["closed", "byte_rate"] == 1


def test_a_binary_payload_of_engine_io_3_is_obeyed_and_bytes_are_answered_in_one(server: Server) -> None:
    client = Poller(server, connect=False, uri=OLD)
    event = b'451-7["dance",{"_placeholder":true,"num":0}]'
    join = b'420["join",{"room":"a"}]'
    assert (len(event), len(join)) == (44, 24)
    body = b"\0\4\4\xff" + event + b"\1\4\xff\4\1\xff\n" + b"\0\2\4\xff" + join
    assert ask(server, "POST", client.uri, body).text == "ok"
    assert client.get().text == "5:437[]5:430[]"
    data = [[{"_placeholder": True, "num": 0}], "Af8="]
    message = {"method": "emit", "event": "e", "data": data, "binary": True, "room": "a"}
    server.result(server.storage_object.publish("flask-socketio", json.dumps(message)))
    response = client.get().response
    assert response.content_type == "application/octet-stream"
    assert response.body == b'\0\3\11\xff451-["e",{"_placeholder":true,"num":0}]\1\3\xff\4\1\xff'
    emit(server, event="e", data="text", secret="123")
    assert client.get().response.content_type.startswith("text/plain")


def test_hundreds_of_sessions_that_poll_and_end_leave_no_memory_taken() -> None:
    with Server("filtered_websocket.filters.socketio") as server:

        def visit() -> None:
            client = server.socketio(transport="polling")
            assert client.is_connected
            client.session.close()

        steady(visit, 500)


class Raises(WebSocketConnectFilter):
    @classmethod
    def filter(cls, connection: Any, data: None) -> None:
        raise ValueError("a fault of the filter's author")


class Closes(WebSocketConnectFilter):
    @classmethod
    def filter(cls, connection: Any, data: None) -> None:
        raise Close(4001, "not you")


def test_a_session_that_a_connect_filter_ends_is_answered_and_then_told_its_end() -> None:
    for ends in (Raises, Closes):
        with Server(clients.PACK, ends) as server:
            get = ask(server, "GET", clients.POLLING)
            assert not get.waits
            sid = json.loads(get.text[1:])["sid"]
            assert ask(server, "GET", f"{clients.POLLING}&sid={sid}").text == "1"
            assert ask(server, "GET", f"{clients.POLLING}&sid={sid}").status == 400
            assert len(server.errors) == (ends is Raises)

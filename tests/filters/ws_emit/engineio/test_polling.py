"""What waits for the next GET, and how the option of slow clients treats it; posts; the end."""

import json
import tracemalloc
from typing import Any, ClassVar

import pytest
from twisted.internet.defer import Deferred

from filtered_websocket.filters.base import WebSocketConnectFilter, WebSocketMessageFilter
from filtered_websocket.storage_objects.base import StorageAway
from filtered_websocket.testing.server import Server
from tests.filters.ws_emit.clients import PACK, POLLING, Poller, ask, emit

OLD = "/socket.io/?EIO=3&transport=polling"


def told(server: Server, number: Any, room: str = "a") -> None:
    emit(server, event="e", data=number, room=room, secret="1")


def joined(server: Server) -> Poller:
    client = Poller(server)
    client.post('421["join",{"room":"a"}]')
    assert client.received() == ["431[]"]
    return client


def test_a_get_waits_until_there_is_something_and_takes_all_of_the_turn(server: Server) -> None:
    client = Poller(server)
    get = client.get()
    assert get.waits
    assert client.post('421["join",{}]', '422["join",{}]').text == "ok"
    assert get.text == "431[]\x1e432[]"
    assert client.get().waits


def test_an_answer_has_no_more_packets_than_stock_clients_take(server: Server) -> None:
    client = Poller(server)
    client.post(*(f'42{number}["x"]' for number in range(40)))
    received = [client.received() for _ in range(3)]
    assert [len(each) for each in received] == [16, 16, 8]
    assert [packet for each in received for packet in each] == [f"43{number}[]" for number in range(40)]


def test_a_thousand_packets_of_one_post_are_obeyed_in_order_while_others_have_their_turn(server: Server) -> None:
    client = Poller(server)
    order: list[Any] = []
    server.reactor.callLater(0, lambda: order.append("another"))
    post = client.post(*(f'42["join",{{"room":"{number}"}}]' for number in range(1000)))
    assert not order  # the first part is obeyed at once
    assert post.text == "ok"
    assert order == ["another"]
    assert len(server.pipeline().hub.channels) == 1002


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


def test_all_that_waits_has_a_limit_where_the_sessions_go_first_for_which_most_waits() -> None:
    with Server(PACK, ws_emit_polling_buffer=100_000) as server:
        clients = [Poller(server) for _ in range(3)]
        assert clients[0].post(*['420["x"]'] * 100).text == "ok"
        assert clients[1].post(*['420["x"]'] * 250).text == "ok"
        assert clients[2].post(*['420["x"]'] * 100).text == "ok"
        assert [each.get().status for each in clients] == [200, 400, 200]
        assert server.server.counters.totals["closed", "slow client"] == 1
        assert clients[0].post(*['420["x"]'] * 100).text == "ok"  # what was taken has made room


def test_a_crowd_that_never_polls_makes_room_in_little_work_and_leaves_nothing_behind() -> None:
    with Server(PACK, ws_emit_secret="1", ws_emit_polling_buffer=1_000_000) as server:
        polls = joined(server)
        crowd = [Poller(server, connect=False) for _ in range(400)]
        for client in crowd:
            client.post("40")
        for number in range(30):
            get = polls.get()
            told(server, [number, "x" * 100])
            emit(server, event="all", data="x" * 100, secret="1")
            assert json.loads(get.text.split("\x1e")[0][2:])[1][0] == number
            while len(get.text.split("\x1e")) < 2 and '"all"' not in polls.get().text:
                pass
        engine = server.pipeline().ws_emit.engine
        assert len(engine.polling) < 400
        assert server.server.counters.totals["closed", "slow client"] == 401 - len(engine.polling)
        for session in list(engine.polling.values()):
            session.gone()
        assert (engine.waiting._size, dict(engine.waiting._holders), engine.waiting._shared) == (0, {}, {})
        assert not server.server.admission.sessions


def test_what_waits_for_many_counts_once_and_is_held_once() -> None:
    with Server(PACK, ws_emit_secret="1", ws_emit_eio3=True, ws_emit_polling_buffer=2_000_000) as server:
        clients = [joined(server) for _ in range(20)]
        old = [Poller(server, connect=False, uri=f"{OLD}&b64={number % 2}") for number in range(10)]
        data = {"method": "emit", "event": "e", "data": [[{"_placeholder": True, "num": 0}, "x" * 900_000], "Af8="]}
        tracemalloc.start()
        try:
            for event in (data | {"binary": True}, data | {"data": "x" * 900_000}):
                server.result(server.storage_object.publish("flask-socketio", json.dumps(event)))
            answers = [each.get().response for _ in range(2) for each in (*clients, *old)]
            assert tracemalloc.get_traced_memory()[1] < 20_000_000
        finally:
            tracemalloc.stop()
        assert {each.status for each in answers} == {200}
        # One body for each event and each way to write it, of which Engine.IO 3 has two.
        assert len({id(each.body) for each in answers}) == 6
        assert server.server.counters.totals["closed", "slow client"] == 0


def test_an_event_larger_than_all_that_may_wait_passes() -> None:
    with Server(PACK, ws_emit_secret="1", ws_emit_polling_buffer=1024) as server:
        client = joined(server)
        told(server, "x" * 500_000)
        assert client.received() == [f'42["e","{"x" * 500_000}"]']


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


def test_one_address_has_no_more_sessions_than_connections() -> None:
    with Server(PACK, max_connections_per_address=2) as server:
        first, second = Poller(server), Poller(server)
        assert ask(server, "GET", POLLING).status == 429
        assert ask(server, "GET", POLLING, peer="192.0.2.1").status == 200
        first.post("1")
        assert ask(server, "GET", POLLING).status == 200
        assert ask(server, "GET", POLLING).status == 429
        upgraded = second.websocket()
        upgraded.send("2probe")
        upgraded.send("5")
        assert ask(server, "GET", POLLING).status == 200


def test_a_session_does_not_keep_what_its_first_request_had_for_a_body(server: Server) -> None:
    assert ask(server, "GET", POLLING, b"x" * 1000).status == 200
    (session,) = server.pipeline().users.values()
    assert session.request.body == b""


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


def test_there_are_no_more_sessions_than_connections_may_be() -> None:
    with Server(PACK, max_connections=2) as server:
        clients = [Poller(server), Poller(server)]
        assert ask(server, "GET", POLLING).status == 503
        clients[0].post("1")
        assert ask(server, "GET", POLLING).status == 200


def test_a_body_that_is_too_large_is_refused_by_the_site(server: Server) -> None:
    from filtered_websocket.web.base import HTTPRequest

    assert server.server.site.routes.find(HTTPRequest("POST", POLLING)).limit == 1_000_000


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


def test_a_client_that_posts_more_than_the_rate_is_ended_where_the_option_says_so() -> None:
    with Server(PACK, byte_rate=100, over_rate="close") as server:
        client = Poller(server)
        client.post(*(f'42{number}["{"x" * 90}"]' for number in range(10)))
        assert client.get().status == 400
        assert server.server.counters.totals["closed", "byte_rate"] == 1


class Slow(WebSocketMessageFilter):
    """Waits until it is told to go on."""

    waiting: ClassVar[list[Any]] = []

    @classmethod
    def filter(cls, web_socket_instance: Any, data: bytearray) -> Any:
        if b"slow" not in data:
            return None
        cls.waiting.append(Deferred())
        return cls.waiting[-1]


def test_later_posts_of_a_client_wait_for_a_filter_that_waits() -> None:
    Slow.waiting = []
    with Server(Slow, PACK) as server:
        client = Poller(server)
        first, second = client.post('421["slow"]', '422["x"]'), client.post('423["x"]')
        assert first.waits
        assert second.waits
        get = client.get()
        server.advance(29)
        assert get.waits  # the heartbeat of a session that is busy stands still
        Slow.waiting[0].callback(None)
        assert (first.text, second.text) == ("ok", "ok")
        assert get.text == "431[]\x1e432[]\x1e433[]"


def test_a_filter_that_hangs_ends_the_session_in_its_time() -> None:
    Slow.waiting = []
    with Server(Slow, PACK, filter_timeout=5) as server:
        client = Poller(server)
        post = client.post('421["slow"]')
        server.advance(5)
        assert post.status == 200
        assert client.get().status == 400
        (error,) = server.errors
        assert "TimeoutError" in error


def test_a_client_that_goes_away_while_a_filter_waits_is_gone() -> None:
    Slow.waiting = []
    with Server(Slow, PACK) as server:
        client = Poller(server)
        client.post('421["slow"]').go_away()
        assert Slow.waiting[0].called
        assert client.get().status == 400


class Away(WebSocketMessageFilter):
    @classmethod
    def filter(cls, web_socket_instance: Any, data: bytearray) -> None:
        if b"away" in data:
            raise StorageAway("not now")


def test_while_storage_is_away_a_session_ends_without_a_traceback() -> None:
    with Server(Away, PACK) as server:
        client = Poller(server)
        client.post('42["away"]')
        assert client.get().status == 400
        assert server.errors == []


class Use(WebSocketConnectFilter):
    """Does with a session what filters do with a connection."""

    @classmethod
    def filter(cls, web_socket_instance: Any, data: None) -> Any:
        session = web_socket_instance
        assert session.users[session.id] is session
        assert session.request.path == "/socket.io/"
        assert session.storage_object is session.pipeline.storage_object
        assert session.queue is session.pipeline.queue
        session.sendMessage("6")
        session.publish("mine", "4x", exclude=session.id)
        return session.subscribe("mine")


def test_a_session_is_to_filters_what_a_connection_is() -> None:
    with Server(PACK, Use) as server:
        client = Poller(server, connect=False)
        assert client.greeting.split("\x1e")[1:] == ["6"]
        get = client.get()
        server.pipeline().publish("mine", ["4a", "4b"])
        assert get.text == "4a\x1e4b"
        session = server.pipeline().users[next(iter(server.pipeline().users))]
        session.unsubscribe("mine")
        server.pipeline().publish("mine", "4c")
        assert client.get().waits
        session.loseConnection()
        assert not server.pipeline().users
        assert not server.pipeline().hub.channels


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


def test_a_client_that_asks_for_base64_at_its_first_request_gets_no_bytes(server: Server) -> None:
    client = Poller(server, connect=False, uri=f"{OLD}&b64=1")
    message = {"method": "emit", "event": "e", "data": [[{"_placeholder": True, "num": 0}], "Af8="], "binary": True}
    server.result(server.storage_object.publish("flask-socketio", json.dumps(message)))
    get = client.get()
    assert get.response.content_type.startswith("text/plain")
    assert get.text == '39:451-["e",{"_placeholder":true,"num":0}]6:b4Af8='


def test_a_session_costs_the_rate_what_a_connection_costs() -> None:
    with Server(PACK, accept_rate=3) as server:
        statuses = [ask(server, "GET", POLLING).status for _ in range(6)]
        assert statuses == [200] * 3 + [503] * 3
        assert server.server.counters.totals["refused", "accept_rate"] == 3
        assert ask(server, "GET", POLLING).headers["Retry-After"] == "1"
        assert len(server.pipeline().users) == 3
        server.advance(1)
        client = Poller(server)
        for _ in range(10):
            client.post("3")  # what a session asks for later costs nothing of it
        assert ask(server, "GET", POLLING).status == 200


def test_limits_of_sessions_are_of_the_server_not_of_each_pipeline() -> None:
    pipelines = {"/a/*": [PACK], "/b/*": [PACK]}
    with Server(pipelines=pipelines, max_connections_per_address=2) as server:
        first = Poller(server, uri=f"/a{POLLING}")
        assert ask(server, "GET", f"/b{POLLING}").status == 200
        assert ask(server, "GET", f"/b{POLLING}").status == ask(server, "GET", f"/a{POLLING}").status == 429
        assert ask(server, "GET", f"/b{POLLING}", peer="2001:db8::1").status == 200
        first.post("1")
        assert ask(server, "GET", f"/b{POLLING}").status == 200
    with Server(pipelines=pipelines, max_connections=2) as server:
        assert [ask(server, "GET", f"/{each}{POLLING}").status for each in "aba"] == [200, 200, 503]


class Ask(WebSocketConnectFilter):
    """Lets a client in by what its request says."""

    @classmethod
    def filter(cls, web_socket_instance: Any, data: None) -> None:
        headers = web_socket_instance.request.headers
        assert len(headers["x-token"]) == 9000
        web_socket_instance.token = headers["cookie"]


def test_of_its_first_request_a_session_keeps_what_filters_may_ask_for_later_within_a_limit() -> None:
    headers = {"cookie": "a=1", "x-token": "x" * 9000, "user-agent": "y" * 5000, "origin": "http://localhost:7788"}
    with Server(Ask, PACK) as server:
        assert ask(server, "GET", POLLING, b"x" * 1000, headers).status == 200
        assert ask(server, "GET", f"{POLLING}&t={'z' * 9000}", b"", headers, "192.0.2.1").status == 200
        one, other = server.pipeline().users.values()
        assert dict(one.request.headers) == {"cookie": "a=1", "origin": "http://localhost:7788"}
        assert (one.token, one.request.body, one.request.params["EIO"]) == ("a=1", b"", ["4"])
        assert (other.request.path, other.request.params, other.request.peer) == ("/socket.io/", {}, "192.0.2.1")
        kept = [len(repr(vars(each.request))) for each in (one, other)]
        assert max(kept) < 5000

"""The kit for filter authors, used as filter authors use it."""

import subprocess
import sys
import threading

import pytest
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall, deferLater
from twisted.internet.threads import deferToThread

from filtered_websocket.errors import Close, ConfigError, Reject
from filtered_websocket.filters.base import (
    WebSocketConnectFilter,
    WebSocketConsumerFilter,
    WebSocketDataFilter,
    WebSocketDisconnectFilter,
    WebSocketHandshakeFilter,
    WebSocketMessageFilter,
    WebSocketStartFilter,
    WebSocketStopFilter,
)
from filtered_websocket.storage_objects.memory import StorageObject
from filtered_websocket.testing.client import Refused, StillWaiting
from filtered_websocket.testing.server import FilterFailed, Server
from tests.support import reactor_thread

BROADCAST = "filtered_websocket.filters.broadcast_messages"


class Echo(WebSocketMessageFilter):
    @classmethod
    def filter(cls, web_socket_instance, data):
        web_socket_instance.sendMessage(data)


class Upper(WebSocketMessageFilter):
    @classmethod
    def filter(cls, web_socket_instance, data):
        return bytes(data).upper()


class Later(WebSocketMessageFilter):
    @classmethod
    async def filter(cls, web_socket_instance, data):
        await deferLater(reactor, 5)
        web_socket_instance.sendMessage(b"late " + data)


class Broken(WebSocketMessageFilter):
    @classmethod
    def filter(cls, web_socket_instance, data):
        raise ValueError("a fault of the filter's author")


class Farewell(WebSocketMessageFilter):
    @classmethod
    def filter(cls, web_socket_instance, data):
        raise Close(4001, "farewell")


class Secret(WebSocketHandshakeFilter):
    @classmethod
    def filter(cls, web_socket_instance, data):
        if data.headers.get("authorization") != "Bearer x":
            raise Reject(401, "Who are you?", (("WWW-Authenticate", "Bearer"),))


class Choose(WebSocketHandshakeFilter):
    @classmethod
    def filter(cls, web_socket_instance, data):
        web_socket_instance.accept(data.protocols[-1], [("X-Path", data.path)])


class SlowDoor(WebSocketHandshakeFilter):
    @classmethod
    async def filter(cls, web_socket_instance, data):
        await deferLater(reactor, 1)
        if data.params.get("refuse"):
            raise Reject(403, "Not you")


class Greet(WebSocketConnectFilter):
    @classmethod
    def filter(cls, web_socket_instance, data):
        web_socket_instance.sendMessage(f"you are {len(web_socket_instance.users)}")


class Relay(WebSocketConsumerFilter):
    @classmethod
    def filter(cls, web_socket_instance, data):
        for user in web_socket_instance.users.values():
            user.sendMessage(str(data))


gone = []


class Note(WebSocketDisconnectFilter):
    @classmethod
    def filter(cls, web_socket_instance, data):
        gone.append((web_socket_instance.close_code, web_socket_instance.close_reason))


seen = []


class See(WebSocketDataFilter):
    @classmethod
    def filter(cls, web_socket_instance, data):
        seen.append(data)


def test_what_one_client_sends_another_receives():
    with Server(BROADCAST) as server:
        a, b = server.connect(), server.connect("/room")
        a.send("hi")
        assert b.received() == ["hi"]
        assert a.received() == []


def test_text_stays_text_and_binary_stays_binary():
    with Server(Echo) as server:
        client = server.connect()
        client.send("text")
        client.send(b"\xff\x00")
        assert client.received() == ["text", b"\xff\x00"]


def test_what_was_received_is_told_once():
    with Server(Greet) as server:
        client = server.connect()
        assert client.received() == ["you are 1"]
        assert client.received() == []


def test_classes_and_modules_make_one_chain_in_the_order_given():
    with Server(Upper, BROADCAST, Echo) as server:
        a, b = server.connect(), server.connect()
        a.send("hi")
        assert (a.received(), b.received()) == (["HI"], ["HI"])
    with Server(Echo, Upper) as server:
        client = server.connect()
        client.send("hi")
        assert client.received() == ["hi"]


def test_only_the_classes_given_run_whatever_else_their_module_defines():
    with Server(Echo) as server:
        assert [each.__name__ for each in server.pipeline().filters["message"]] == ["Echo"]
        assert server.pipeline().filters["connect"] == ()


def test_without_filters_it_has_those_of_fws_server(capsys):
    with Server() as server:
        a, b = server.connect(), server.connect()
        a.send("hi")
        assert b.received() == ["hi"]
        assert capsys.readouterr().out == f"--MESSAGE--\n{a.connection.id} => hi\n"


def test_pipelines_may_hold_classes_and_options_of_their_own():
    pipelines = {"/echo /e": [Echo], "/small": {"filters": [Greet, Echo], "max_message_size": 3}}
    with Server(pipelines=pipelines) as server:
        for path in ("/echo", "/e"):
            client = server.connect(path)
            client.send("four")
            assert client.received() == ["four"]
        small = server.connect("/small")
        small.send("four")
        assert (small.received(), small.close_code) == (["you are 1"], 1009)
        with pytest.raises(Refused) as refused:
            server.connect("/elsewhere")
        assert refused.value.status == 404
        with pytest.raises(LookupError, match="/elsewhere"):
            server.pipeline("/elsewhere")


def test_options_are_checked_as_those_of_fws_server():
    with pytest.raises(ConfigError, match='"max_mesage_size"; did you mean "max_message_size"'):
        Server(Echo, max_mesage_size=1)
    with pytest.raises(ConfigError, match="no_such_module"):
        Server("no_such_module")


def test_a_refused_handshake_raises_with_all_that_the_client_got():
    with Server(Secret, Echo) as server:
        with pytest.raises(Refused, match="401 Who are you") as refused:
            server.connect()
        assert refused.value.status == 401
        assert refused.value.headers["WWW-Authenticate"] == "Bearer"
        assert refused.value.body == b"Who are you?\n"
        server.connect(headers={"Authorization": "Bearer x"}).sync()


def test_the_request_carries_path_query_headers_and_protocols():
    with Server(Choose) as server:
        client = server.connect("/a%20b?x=1", {"Host": "example.org", "X-A": "b"}, protocols=["one", "two"])
        assert client.protocol == "two"
        assert client.response_headers["X-Path"] == "/a b"
        request = client.connection.request
        assert (request.params, request.host, request.headers["x-a"]) == ({"x": ["1"]}, "example.org", "b")


def test_a_page_of_another_host_is_refused_as_by_fws_server():
    with Server(Echo) as server:
        with pytest.raises(Refused, match="403"):
            server.connect(headers={"Origin": "https://evil.example"})
        assert server.connect(headers={"Origin": "http://localhost"}).is_open


def test_an_asynchronous_filter_goes_on_when_time_passes():
    with Server(Later) as server:
        waiting, other = server.connect(), server.connect()
        waiting.send("one")
        waiting.send("two")
        with pytest.raises(StillWaiting, match="advance"):
            waiting.sync()
        other.sync()
        server.advance(5)
        assert waiting.received() == ["late one"]
        server.advance(4.9)
        assert waiting.received() == []
        server.advance(0.1)
        assert waiting.received() == ["late two"]
        waiting.sync()


def test_a_filter_that_takes_too_long_is_ended():
    with Server(Later, filter_timeout=2) as server:
        client = server.connect()
        client.send("one")
        server.advance(2)
        assert client.close_code == 1011
        assert len(server.errors) == 1


def test_a_handshake_filter_may_wait_and_then_refuse():
    with Server(SlowDoor, Greet) as server:
        admitted, refused = server.connect(), server.connect("/?refuse=1")
        assert not admitted.is_open
        with pytest.raises(ConnectionError, match="a filter waits"):
            admitted.send("too early")
        server.advance(1)
        assert admitted.received() == ["you are 1"]
        with pytest.raises(Refused, match="403 Not you"):
            refused.received()


def test_a_filter_that_fails_fails_the_test():
    with pytest.raises(FilterFailed, match="ValueError: a fault of the filter's author"), Server(Broken) as server:
        server.connect().send("x")


def test_a_test_may_ask_for_the_failure_and_pass():
    with Server(Broken) as server:
        client = server.connect()
        client.send("x")
        assert (client.close_code, client.close_reason) == (1011, "")
        (error,) = server.errors
        assert "class Broken" not in error
        assert 'raise ValueError("a fault of the filter\'s author")' in error
        assert server.errors == []


def test_an_error_of_the_test_itself_is_not_hidden_by_that_of_a_filter():
    def test():
        with Server(Broken) as server:
            server.connect().send("x")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        test()


def test_close_code_and_reason_are_those_of_the_server():
    with Server(Farewell) as server:
        client = server.connect()
        assert (client.is_open, client.close_code, client.close_reason) == (True, None, None)
        client.send("x")
        assert (client.is_open, client.close_code, client.close_reason) == (False, 4001, "farewell")
        with pytest.raises(ConnectionError, match="4001 farewell"):
            client.send("again")


def test_the_disconnect_chain_hears_how_a_client_left():
    gone.clear()
    with Server(Note) as server:
        server.connect().close(3000, "enough")
        assert gone == [(3000, "enough")]
        server.connect().abort()
        assert gone[1][0] == 1006
        assert not server.pipeline().users
        server.connect()
    assert gone[2] == (1001, "server is stopping")


def test_garbage_on_the_wire_is_a_protocol_error_of_that_client_only():
    with Server(BROADCAST) as server:
        bad, good, witness = server.connect(), server.connect(), server.connect()
        bad.write(b"\xff\xff garbage")
        assert bad.close_code == 1002
        good.send("hi")
        assert witness.received() == ["hi"]


def test_data_filters_see_the_bytes_of_the_wire():
    seen.clear()
    with Server(See) as server:
        client = server.connect("/here")
        assert seen[0].startswith(b"GET /here HTTP/1.1\r\n")
        client.send("x")
        assert seen[-1][0] == 0x81


def test_items_put_from_any_thread_reach_the_consumer_chain():
    with Server(Relay) as server:
        client = server.connect()
        server.put({"n": 1})
        thread = threading.Thread(target=server.queue.put, args=("from a thread",))
        thread.start()
        thread.join()
        assert client.received() == ["{'n': 1}", "from a thread"]


def test_what_a_filter_does_in_a_thread_is_done_in_the_tests_own():
    class Threaded(WebSocketMessageFilter):
        @classmethod
        async def filter(cls, web_socket_instance, data):
            name = await deferToThread(lambda: threading.current_thread().name)
            web_socket_instance.sendMessage(name)
            await deferToThread(int, "no number")

    with Server(Threaded) as server:
        client = server.connect()
        client.send("x")
        assert client.received() == [threading.current_thread().name]
        assert "invalid literal for int()" in server.errors[0]


def test_timers_of_a_start_filter_run_on_the_tests_clock_and_end_with_the_server():
    events = []

    class Begin(WebSocketStartFilter):
        @classmethod
        def filter(cls, web_socket_instance, data):
            web_socket_instance.ticks = LoopingCall(events.append, "tick")
            web_socket_instance.ticks.start(10, now=False)

    class End(WebSocketStopFilter):
        @classmethod
        async def filter(cls, web_socket_instance, data):
            web_socket_instance.ticks.stop()
            await deferLater(reactor, 3)
            events.append("stopped")

    with Server(Begin, End) as server:
        server.advance(25)
        assert events == ["tick", "tick"]
    assert events == ["tick", "tick", "stopped"]


def test_the_reactor_is_left_as_it_was_found():
    script = """
from twisted.internet import reactor
from tests.test_testing import Later, Echo
from filtered_websocket.testing import Server
found = dict(vars(reactor)), reactor.getReaders(), reactor.getWriters()
with Server(Later, Echo) as server:
    client = server.connect()
    client.send("x")
    server.advance(1)
assert (dict(vars(reactor)), reactor.getReaders(), reactor.getWriters()) == found
assert reactor.getDelayedCalls() == []
print("clean")
"""
    command = [sys.executable, "-W", "error", "-c", script]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (ran.stdout, ran.stderr) == ("clean\n", "")


def test_a_server_that_cannot_start_says_why_and_gives_the_reactor_back():
    class Wrong(WebSocketStartFilter):
        @classmethod
        def filter(cls, web_socket_instance, data):
            raise OSError("no such file")

    with pytest.raises(ConfigError, match=r"Wrong\.filter failed: OSError: no such file"), Server(Wrong):
        pass
    assert not {"callLater", "seconds", "callFromThread"} & set(vars(reactor))


def test_a_client_that_pongs_lives_and_one_that_is_cut_off_is_noticed():
    with Server(Echo, ping_interval=10, ping_timeout=5) as server:
        client = server.connect()
        server.advance(300)
        assert client.is_open


def test_compression_is_spoken_when_both_want_it():
    with Server(BROADCAST, compression=True) as server:
        a, b, plain = server.connect(compression=True), server.connect(compression=True), server.connect()
        a.send("hello " * 100)
        assert b.received() == plain.received() == ["hello " * 100]
        assert "permessage-deflate" in b.response_headers["Sec-WebSocket-Extensions"]
        assert "Sec-WebSocket-Extensions" not in plain.response_headers


def test_results_of_the_storage_object_can_be_asked_for():
    with Server("filtered_websocket.filters.broadcast_messages_by_token") as server:
        client = server.connect()
        client.send("token:room")
        assert server.result(server.storage_object.get("room")) == {client.connection.id}
        with pytest.raises(StillWaiting):
            server.result(Deferred())

        async def fails():
            raise KeyError("x")

        with pytest.raises(KeyError):
            server.result(fails())


def test_a_storage_object_of_ones_own_is_used():
    class Own:
        def get(self, key):
            return f"the value of {key}"

    with Server(Echo, storage_object=Own()) as server:
        assert server.result(server.storage_object.get("k")) == "the value of k"
    storage = StorageObject()
    with Server(Echo, storage_object=storage) as server:
        assert server.storage_object is storage


def test_a_filter_that_calls_itself_for_ever_is_named_and_does_not_hang_the_test():
    class Restless(WebSocketMessageFilter):
        @classmethod
        def filter(cls, web_socket_instance, data):
            reactor.callLater(0, cls.filter, web_socket_instance, data)

    server = Server(Restless)
    with pytest.raises(StillWaiting, match="no rest after"), server:
        server.connect().send("x")


def test_a_reactor_that_runs_in_another_thread_keeps_its_own_time():
    async def wait():
        await deferLater(reactor, 0.001)
        return threading.get_ident()

    reactors = reactor_thread.call(threading.get_ident)
    with Server(Later) as server:
        client = server.connect()
        client.send("x")
        answers = []
        another = threading.Thread(target=lambda: answers.append(reactor_thread.call(wait)))
        another.start()
        another.join()
        assert answers == [reactors]
        server.advance(5)
        assert client.received() == ["late x"]


def test_many_clients_may_be_connected_up_to_the_limit():
    with Server(Echo, max_connections=2) as server:
        server.connect(), server.connect()
        with pytest.raises(Refused, match="503"):
            server.connect()


def test_a_module_in_the_current_directory_is_found(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "found_in_cwd.py").write_text(
        "from filtered_websocket.filters.base import WebSocketMessageFilter\n"
        "class Reply(WebSocketMessageFilter):\n"
        "    @classmethod\n"
        "    def filter(cls, web_socket_instance, data):\n"
        "        web_socket_instance.sendMessage('found')\n"
    )
    monkeypatch.setattr("sys.path", sys.path[:])
    with Server("found_in_cwd") as server:
        client = server.connect()
        client.send("x")
        assert client.received() == ["found"]

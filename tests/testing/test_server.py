"""The server in memory: what runs in it, and what it tells of failures."""

import importlib
import subprocess
import sys
import threading

import pytest
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread

from filtered_websocket.errors import ConfigError
from filtered_websocket.filters.base import WebSocketConsumerFilter, WebSocketMessageFilter, WebSocketStartFilter
from filtered_websocket.storage_objects.memory import StorageObject
from filtered_websocket.testing.client import Refused
from filtered_websocket.testing.clock import ClockReactor, StillWaiting
from filtered_websocket.testing.failures import FilterFailed
from filtered_websocket.testing.server import Server
from tests.support.deadlines import joined
from tests.support.module_files import Files
from tests.support.small_filters import BROADCAST, Broken, Echo, Greet


class Upper(WebSocketMessageFilter):
    @classmethod
    def filter(cls, web_socket_instance, data):
        return bytes(data).upper()


class Relay(WebSocketConsumerFilter):
    @classmethod
    def filter(cls, web_socket_instance, data):
        for user in web_socket_instance.users.values():
            user.sendMessage(str(data))


def test_classes_and_modules_make_one_chain_in_the_order_given():
    with Server(Upper, BROADCAST, Echo) as server:
        a, b = server.connect(), server.connect()
        a.send("hi")
        assert (a.received(), b.received()) == (["HI"], ["HI"])
    with Server(Echo, Upper) as server:
        client = server.connect()
        client.send("hi")
        assert client.received() == ["hi"]


def test_one_filter_may_be_there_twice_with_options_of_its_own(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    files = Files(tmp_path).write(
        add="""
        from filtered_websocket.config import Option
        from filtered_websocket.config.parsers import text
        OPTIONS = (Option("word", text, "-", "help", scope="use"),)
        class Add(WebSocketMessageFilter):
            @classmethod
            def filter(cls, web_socket_instance, data):
                return (data if isinstance(data, str) else data.decode()) + cls.options.word
        """
    )
    name = f"{files.prefix}add"
    with Server(f"{name}?word=a", {"filter": name, "word": "b"}, name, Echo, word="!") as server:
        client = server.connect()
        client.send("x")
        assert client.received() == ["xab!"]
    module = importlib.import_module(name)
    with Server(module.Add, Echo, word="?") as server:
        client = server.connect()
        client.send("x")
        assert client.received() == ["x?"]
    with pytest.raises(ConfigError, match="unknown option"):
        Server({"filter": name, "wrod": "b"})
    with pytest.raises(ConfigError, match="options are wanted as"):
        Server(f"{name}?word")


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
    # What a module finds wrong with its options, as fws_server --check says.
    with pytest.raises(ConfigError, match=r"exec_pipe: there is no program nothing on the PATH"):
        Server("filtered_websocket.filters.exec_pipe", exec_pipe="nothing")
    with pytest.raises(ConfigError, match="no_such_module"):
        Server("no_such_module")


def test_a_page_of_another_host_is_refused_as_by_fws_server():
    with Server(Echo) as server:
        with pytest.raises(Refused, match="403"):
            server.connect(headers={"Origin": "https://evil.example"})
        assert server.connect(headers={"Origin": "http://localhost"}).is_open


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


def test_items_put_from_any_thread_reach_the_consumer_chain():
    with Server(Relay) as server:
        client = server.connect()
        server.put({"n": 1})
        thread = threading.Thread(target=server.queue.put, args=("from a thread",))
        thread.start()
        joined(thread)
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


def test_the_reactor_is_left_as_it_was_found():
    script = """
from twisted.internet import reactor
from tests.support.small_filters import Later, Echo
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


def test_a_node_that_misses_something_tells_those_that_rely_on_their_positions():
    kept = {"channels": {"x": {"history": 5}}}
    with Server(Echo, **kept, pipelines={"/named": {"filters": [Echo], **kept}}) as server:
        for path in ("/", "/named"):
            told = []
            client, plain = server.connect(path), server.connect(path)
            plain.connection.subscribe("x")
            client.connection.subscribe("x", last=0, insufficient=told.append)
            server.miss("x", path)
            assert told == [server.pipeline(path).hub.position("x")]
            assert plain.is_open


def test_a_test_that_stumbles_over_what_a_failed_filter_led_to_is_told_of_the_filter_once():
    def test():
        with Server(Broken) as server, Server(Echo):
            client = server.connect()
            client.send("x")
            client.send("y")

    with pytest.raises(ConnectionError, match="closed with 1011") as caught:
        test()
    (note,) = caught.value.__notes__
    assert note.splitlines()[-1] == "ValueError: a fault of the filter's author"


def test_two_servers_may_have_one_clock():
    clock = ClockReactor()
    with Server(Echo, reactor=clock) as one, Server(Echo, reactor=clock) as other:
        called = []
        other.reactor.callLater(3, called.append, "other's")
        one.advance(3)
        assert called == ["other's"]

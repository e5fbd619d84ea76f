"""Publishing without a reactor, to a real Redis and a node that listens there."""

import socketserver
import subprocess
import sys
import threading

import pytest

from filtered_websocket.errors import ConfigError, StorageAway
from filtered_websocket.messages.publication import Position
from filtered_websocket.publisher import Publisher
from filtered_websocket.storage_objects.base import Keep
from tests.support.backends import Backend, message
from tests.support.deadlines import joined
from tests.support.fws_server import STARTING
from tests.support.ports import free_port
from tests.support.redis_server import RedisServer

MODULE = "filtered_websocket.storage_objects.redis"


@pytest.fixture(scope="module")
def redis(tmp_path_factory):
    with RedisServer(tmp_path_factory.mktemp("redis"), tcp=True) as server:
        yield server


@pytest.fixture
def node(redis):
    """A listening node, on an empty Redis."""
    redis.ask("FLUSHALL")
    backend = Backend(MODULE, redis_url=redis.url)
    yield backend.node()
    backend.close()


@pytest.fixture
def publisher(redis):
    with Publisher(redis.url) as made:
        yield made


def messages(node, count):
    node.recorder.wait(count)
    return [publication.messages for publication in node.recorder.publications]


def test_what_is_published_reaches_a_node_as_text_or_binary(node, publisher):
    node.subscribe("room")
    publisher.publish("room", "hi")
    publisher.publish("room", b"\xff\x00")
    publisher.publish("room", b"bytes of text")
    publisher.publish("room", b"bytes of text", binary=True)
    publisher.publish("room", ["two", "together"])
    assert messages(node, 5) == [
        ((b"hi", False),),
        ((b"\xff\x00", True),),
        ((b"bytes of text", False),),
        ((b"bytes of text", True),),
        ((b"two", False), (b"together", False)),
    ]


def test_ids_are_excluded_and_several_channels_give_one_copy(node, publisher):
    node.subscribe("a")
    node.subscribe("b")
    publisher.publish(["a", "b", "a"], "hi", exclude="me")
    node.recorder.wait(2)
    one, other = node.recorder.publications
    assert (one.channel, set(one.exclude), tuple(one.besides)) == ("a", {"me"}, ())
    assert (other.channel, set(other.exclude), set(other.besides)) == ("b", {"me"}, {"a"})


def test_nothing_to_send_asks_nobody():
    Publisher(f"redis://127.0.0.1:{free_port()}").publish("room", [])


def test_channels_that_keep_history_keep_what_is_published(node, redis):
    node.subscribe("kept-a")
    with Publisher(redis.url, channels={"kept-*": {"history": 2}}) as publisher:
        for text in ("1", "2", "3"):
            publisher.publish("kept-a", text)
        publisher.publish("other", "not kept")
    node.recorder.wait(3)
    epoch = node.recorder.publications[0].position.epoch
    assert [publication.position.offset for publication in node.recorder.publications] == [1, 2, 3]
    assert [each.payload for each in node.since("kept-a", Position(epoch, 1))] == [b"2", b"3"]
    assert node.latest("other", 0, 10) == []


def test_a_node_and_a_publisher_share_one_history(node, redis):
    node.send(message("kept", "by a node"), Keep(10))
    with Publisher(redis.url, channels={"*": {"history": 10}}) as publisher:
        publisher.publish("kept", "by a publisher")
    assert [each.payload for each in node.latest("kept", 0, 10)] == [b"by a publisher", b"by a node"]
    assert len({each.position.epoch for each in node.latest("kept", 0, 10)}) == 1


def test_scripts_that_redis_has_forgotten_are_sent_again(redis):
    with Publisher(redis.url, channels={"*": {"history": 10}}) as publisher:
        publisher.publish("kept", "1")
        redis.ask("SCRIPT", "FLUSH")
        publisher.publish("kept", "2")
    assert redis.ask("LLEN", "fws:h:kept").startswith(b":")


def test_a_pipeline_has_channels_of_its_own(node, redis):
    node.subscribe("/chat room")
    node.subscribe("room")
    with Publisher(redis.url, pipeline="/chat") as publisher:
        publisher.publish("room", "hi")
        assert publisher.nodes("room") == 1
    assert messages(node, 1) == [((b"hi", False),)]
    assert node.recorder.publications[0].channel == "/chat room"


def test_the_bus_is_raw(node, publisher):
    node.listen("weather")
    publisher.publish_to_bus("weather", "rain")
    publisher.publish_to_bus("weather", b"\xff")
    node.recorder.wait_for(lambda: len(node.recorder.bus) == 2)
    assert [item["data"] for item in node.recorder.bus] == [b"rain", b"\xff"]


def test_nodes_says_which_nodes_would_hear_it(node, publisher):
    assert publisher.nodes("room") == 0
    node.subscribe("room")
    assert publisher.nodes("room") == 1


def test_shards_are_chosen_as_nodes_choose_them(redis, tmp_path):
    with RedisServer(tmp_path / "second") as second:
        shards = [redis.url, second.url]
        backend = Backend(MODULE, redis_shards=shards)
        try:
            node = backend.node()
            names = [f"room {number}" for number in range(20)]
            for name in names:
                node.subscribe(name)
            with Publisher(redis_shards=shards) as publisher:
                for name in names:
                    publisher.publish(name, name)
                assert {publisher.nodes(name) for name in names} == {1}
            assert sorted(node.recorder.wait(20)) == sorted(name.encode() for name in names)
        finally:
            backend.close()


def test_threads_take_turns(node, publisher):
    node.subscribe("room")

    def publish(name):
        for number in range(100):
            publisher.publish("room", f"{name} {number}")

    threads = [threading.Thread(target=publish, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        joined(thread)
    got = [payload.decode().split() for payload in node.recorder.wait(400)]
    for name in "abcd":
        assert [int(number) for origin, number in got if origin == name] == list(range(100))


FORKS = """
import os, sys
from filtered_websocket.publisher import Publisher

publisher = Publisher(sys.argv[1])
publisher.publish("room", "before")
publisher._lock.acquire()  # as another thread may, just then
child = os.fork()
if not child:
    publisher.publish("room", "child")
    os._exit(0)
publisher._lock.release()
assert os.waitpid(child, 0)[1] == 0
publisher.publish("room", "parent")
"""


def test_a_forked_process_has_connections_of_its_own(node, redis):
    node.subscribe("room")
    subprocess.run([sys.executable, "-c", FORKS, redis.url], check=True, timeout=STARTING)
    assert node.recorder.wait(3) == [b"before", b"child", b"parent"]


def test_sentinel_is_asked_for_the_master(redis, tmp_path):
    config = tmp_path / "sentinel.conf"
    config.write_text(f"sentinel monitor fws 127.0.0.1 {redis.port} 1\n")
    with RedisServer.sentinel(tmp_path, config) as sentinel:
        place = f"127.0.0.1:{free_port()},127.0.0.1:{sentinel.port}"  # the first is not there
        with Publisher(redis_sentinel=f"fws@{place}") as publisher:
            publisher.publish("room", "hi")
        with Publisher(redis_sentinel=f"other@{place}") as publisher, pytest.raises(StorageAway, match="does not know"):
            publisher.publish("room", "hi")


# Away.


def test_a_redis_that_is_not_there_is_told_in_one_sentence():
    port = free_port()
    with pytest.raises(StorageAway, match=f"^Redis at 127.0.0.1:{port} is away: Connection refused: not done$"):
        Publisher(f"redis://127.0.0.1:{port}").publish("room", "hi")


def test_a_host_that_is_not_known_is_told_in_one_sentence():
    with pytest.raises(StorageAway, match=r"^Redis at nowhere.invalid:6379 is away: .*: not done$"):
        Publisher("redis://nowhere.invalid").publish("room", "hi")


def test_a_redis_that_went_and_came_back_is_found_again(tmp_path):
    with RedisServer(tmp_path / "redis") as server, Publisher(server.url) as publisher:
        publisher.publish("room", "1")
        server.kill()
        for _ in range(2):
            with pytest.raises(StorageAway, match="not done"):
                publisher.publish("room", "2")
        server.start()
        publisher.publish("room", "3")


def test_an_idle_connection_that_redis_has_closed_is_made_again_unseen(redis, publisher):
    publisher.publish("room", "1")
    redis.ask("CLIENT", "KILL", "TYPE", "normal")
    publisher.publish("room", "2")


def test_a_frozen_redis_is_waited_for_no_longer_than_the_timeout(tmp_path):
    with RedisServer(tmp_path / "redis") as server:
        connected, fresh = (Publisher(server.url, timeout=0.3) for _ in range(2))
        with connected, fresh:
            connected.publish("room", "1")
            server.freeze()
            try:
                with pytest.raises(StorageAway, match=r"no answer in time.*unknown whether this was done"):
                    connected.publish("room", "2")
                with pytest.raises(StorageAway, match="no answer in time: not done"):
                    fresh.publish("room", "2")
            finally:
                server.thaw()
            connected.publish("room", "3")


def test_a_wrong_password_is_told_without_it(tmp_path):
    with RedisServer(tmp_path / "redis", "--requirepass", "sesame", tcp=True) as server:
        place = f"127.0.0.1:{server.port}"
        with Publisher(f"redis://:sesame@{place}/2") as right:
            right.publish("room", "hi")
        for url in (f"redis://:wrong-one@{place}", f"redis://{place}"):
            with Publisher(url) as wrong, pytest.raises(StorageAway) as caught:
                wrong.publish("room", "hi")
            assert "WRONGPASS" in str(caught.value) or "NOAUTH" in str(caught.value)
            assert "wrong-one" not in str(caught.value)


def test_what_redis_refuses_is_told(redis):
    redis.ask("SET", "fws:h:broken", "no list")
    redis.ask("SET", "fws:e:broken", "no hash")
    with Publisher(redis.url, channels={"*": {"history": 10}}) as publisher:
        with pytest.raises(StorageAway, match=r"refused.*WRONGTYPE"):
            publisher.publish("broken", "hi")
        publisher.publish("whole", "hi")


def test_a_refusal_is_told_in_redis_words(tmp_path):
    with RedisServer(tmp_path / "redis") as server, Publisher(server.url, channels={"*": {"history": 1}}) as publisher:
        publisher.publish("room", "hi")
        server.ask("CONFIG", "SET", "maxmemory", "1")
        with pytest.raises(StorageAway, match=r"refused: (OOM|.*OOM).*: not done$"):
            publisher.publish("room", "hi")
        server.ask("CONFIG", "SET", "maxmemory", "0")
        publisher.publish("room", "hi")


def test_what_was_lost_is_not_asked_again():
    seen = []

    class Redis(socketserver.StreamRequestHandler):
        """Greets, and closes the connection when it is asked for more."""

        def handle(self):
            seen.append(self.request.recv(1024))
            self.request.sendall(b"+PONG\r\n")
            self.request.recv(1024)
            self.request.sendall(b"-ERR This instance has cluster support disabled\r\n")
            seen.append(self.request.recv(1024))

    with socketserver.TCPServer(("127.0.0.1", 0), Redis) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        with (
            Publisher(f"redis://127.0.0.1:{server.server_address[1]}") as publisher,
            pytest.raises(StorageAway, match=r"was lost \(.*: it is unknown whether this was done$"),
        ):
            publisher.publish("room", "hi")
        server.shutdown()
        joined(thread)
    assert [b"PUBLISH" in data for data in seen] == [False, True]


def test_a_port_that_is_no_redis_is_told(redis):
    class Web(socketserver.BaseRequestHandler):
        def handle(self):
            self.request.recv(1024)
            self.request.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with socketserver.TCPServer(("127.0.0.1", 0), Web) as web:
        thread = threading.Thread(target=web.handle_request)
        thread.start()
        with (
            Publisher(f"redis://127.0.0.1:{web.server_address[1]}") as publisher,
            pytest.raises(StorageAway, match="away"),
        ):
            publisher.publish("room", "hi")
        joined(thread)


# Misuse.


def test_what_is_no_message_or_channel_is_refused(publisher):
    with pytest.raises(TypeError):
        publisher.publish("room", {"no": "text"})
    for channel in ([1], [None], [b"room"]):
        with pytest.raises(TypeError, match="channel"):
            publisher.publish(channel, "hi")


def test_options_are_those_of_the_server(redis):
    with pytest.raises(TypeError, match="redis_sentinels"):
        Publisher(redis_sentinels="x")
    with pytest.raises(ValueError, match="redis://"):
        Publisher("http://localhost")
    with pytest.raises(ConfigError, match="exclude each other"):
        Publisher(redis.url, redis_sentinel="main@localhost")
    with Publisher(redis_host="127.0.0.1", redis_port=redis.port, redis_key="mine") as publisher:
        publisher.publish("room", "hi")


def test_it_installs_no_reactor():
    code = "import sys, filtered_websocket.publisher; sys.exit('twisted.internet.reactor' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=STARTING)

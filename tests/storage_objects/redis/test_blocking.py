"""The connection of programs without a reactor: it asks once, and says what is known of it when it is lost."""

import socket
import threading
import time
from contextlib import closing

import pytest

from filtered_websocket.storage_objects.base import StorageAway
from filtered_websocket.storage_objects.redis.address import Address
from filtered_websocket.storage_objects.redis.blocking import BlockingConnection
from filtered_websocket.storage_objects.redis.command import Script
from tests.support.deadlines import joined
from tests.support.raw_client import DEADLINE


@pytest.fixture
def connection(redis_server):
    redis_server.ask("FLUSHALL")
    with closing(BlockingConnection(Address("redis", path=redis_server.path), DEADLINE)) as connection:
        yield connection


def test_it_asks_and_has_the_answer(connection):
    assert connection.ask(b"SET", b"key", b"\xff\x00") == b"OK"
    assert connection.ask(b"GET", b"key") == b"\xff\x00"
    assert connection.ask(b"GET", b"none") is None


def test_what_redis_refuses_was_not_done_and_the_connection_goes_on(connection):
    connection.ask(b"SET", b"key", b"text")
    with pytest.raises(StorageAway, match=r"refused: WRONGTYPE .*: not done"):
        connection.ask(b"LPUSH", b"key", b"x")
    assert connection.ask(b"GET", b"key") == b"text"


def test_a_script_that_redis_does_not_know_is_sent_in_full(connection):
    script = Script("return {KEYS[1], ARGV[1]}")
    connection.ask(b"SCRIPT", b"FLUSH")
    for _ in range(2):
        assert connection.run(script, [b"key"], lambda _: [b"value"], b"fws:") == [b"key", b"value"]
    with pytest.raises(StorageAway, match="refused"):
        connection.run(Script("no lua"), [], lambda _: [], b"fws:")


def test_it_connects_again_after_redis_has_closed_it(connection, redis_server):
    assert connection.ask(b"PING") == b"PONG"
    redis_server.ask("CLIENT", "KILL", "TYPE", "normal")
    assert connection.ask(b"PING") == b"PONG"


def test_one_that_listens_gets_what_is_published_and_ends_when_it_is_lost(connection, redis_server):
    heard = connection.listen(b"a", b"b")

    def publish_when_subscribed():
        end = time.monotonic() + DEADLINE
        while redis_server.ask("PUBSUB", "CHANNELS").count(b"$1") < 2:
            assert time.monotonic() < end
        for channel, data in (("b", "1"), ("c", "not this"), ("a", "2")):
            redis_server.ask("PUBLISH", channel, data)
        redis_server.ask("CLIENT", "KILL", "TYPE", "pubsub")

    thread = threading.Thread(target=publish_when_subscribed)
    thread.start()
    assert [next(heard), next(heard)] == [(b"b", b"1"), (b"a", b"2")]
    with pytest.raises(StorageAway, match="was lost"):
        next(heard)
    joined(thread)


def answering(*answers):
    """A listener that gives its clients these answers and then the end; its address."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        with listener:
            for each in answers:
                client, _ = listener.accept()
                with client:
                    for answer in each:
                        client.recv(65536)
                        client.sendall(answer)

    thread = threading.Thread(target=serve)
    thread.start()
    return Address("redis", "127.0.0.1", listener.getsockname()[1]), thread


def test_what_was_lost_before_its_answer_is_not_asked_again_since_it_may_have_been_done():
    address, thread = answering([b"+PONG\r\n", b"+half an ans"])
    with closing(BlockingConnection(address, DEADLINE)) as connection:
        with pytest.raises(StorageAway, match="unknown whether this was done"):
            connection.ask(b"INCR", b"key")
        joined(thread)
        with pytest.raises(StorageAway, match=r"is away: .*: not done"):
            connection.ask(b"INCR", b"key")


def test_an_answer_that_does_not_come_is_waited_for_so_long():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        connection = BlockingConnection(Address("redis", *silent.getsockname()), 0.05)
        with closing(connection), pytest.raises(StorageAway, match="is away: no answer in time: not done"):
            connection.ask(b"PING")


def test_what_a_replica_refuses_ends_the_connection_so_that_the_master_is_looked_for(connection, redis_server):
    connection.ask(b"PING")
    script = Script("return redis.call('SET', KEYS[1], ARGV[1])")
    redis_server.ask("REPLICAOF", "127.0.0.1", "1")
    try:
        for refused in (
            lambda: connection.ask(b"SET", b"key", b"value"),
            lambda: connection.run(script, [b"key"], lambda _: [b"value"], b"fws:"),
        ):
            before = connection._connected()
            with pytest.raises(StorageAway, match=r"READONLY.*not done"):
                refused()
            assert connection._connected() is not before
    finally:
        redis_server.ask("REPLICAOF", "NO", "ONE")

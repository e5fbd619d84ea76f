"""How the server ends: on a signal, with every kind of client connected."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import certificates
from tests.end_to_end.conftest import Start
from tests.end_to_end.raw_client import close_of, head, wait_until
from tests.end_to_end.server import FwsServer
from tests.redis_server import RedisServer


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    with RedisServer(tmp_path / "redis") as running:
        yield running


FILTERS = """
    from filtered_websocket.filters.base import *

    class Opened(WebSocketConnectFilter):
        @classmethod
        def filter(cls, connection, data):
            print("open", flush=True)

    class Flood(WebSocketMessageFilter):
        @classmethod
        def filter(cls, connection, data):
            connection.sendMessage("x" * 20_000_000)
            print("flooded", flush=True)

    class Ended(WebSocketDisconnectFilter):
        @classmethod
        async def filter(cls, connection, data):
            print("end", connection.close_code, flush=True)

    class Stopped(WebSocketStopFilter):
        @classmethod
        def filter(cls, pipeline, data):
            print("stop", len(pipeline.users), flush=True)
"""


def begin(fws_server: Start, *arguments: str) -> FwsServer:
    return fws_server("-f", "my_filters", "--send_buffer", "100000000", *arguments, module=FILTERS)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_a_signal_closes_every_client_and_ends_within_2_seconds(
    fws_server: Start, number: int, tls: bool, tmp_path: Path
) -> None:
    files = certificates.write(tmp_path)
    server = begin(fws_server, *(("-key", files.key, "-cert", files.cert) if tls else ()))
    clean = [server.open(tls=tls) for _ in range(3)]
    silent = server.open(tls=tls)
    never_reads = server.client(tls, receive_buffer=4096).open()
    never_reads.send("flood")
    begun = server.client(tls)
    begun.send(head()[:20])
    idle = server.client()
    wait_until(lambda: "flooded" in server.printed)
    asked = time.monotonic()
    server.signal(number)
    for client in clean:
        assert client.closed() == (1001, "server is stopping")
    assert server.wait() == 0
    assert time.monotonic() - asked < 2.5, "2 s, and what a busy machine adds"
    assert [close_of(each) for each in silent.frames()] == [(1001, "server is stopping")]
    told = server.printed.splitlines()
    assert told.count("open") == told.count("end 1001") == 5
    assert told[-1] == "stop 0"
    assert server.log.rstrip().endswith("stopped")
    assert "Traceback" not in server.log
    assert " error " not in server.log
    for client in [*clean, silent, never_reads, begun, idle]:
        client.socket.close()


def test_with_nobody_connected_it_ends_at_once(fws_server: Start) -> None:
    server = begin(fws_server)
    asked = time.monotonic()
    server.signal()
    assert server.wait() == 0
    assert time.monotonic() - asked < 1


def test_a_second_signal_ends_it_at_once(fws_server: Start) -> None:
    server = begin(fws_server)
    silent = server.open()
    server.signal()
    # It has begun to stop when the first close frame is there.
    received = silent.receive()
    assert received is not None
    assert close_of(received)[0] == 1001
    asked = time.monotonic()
    server.signal()
    assert server.wait() == 1
    assert time.monotonic() - asked < 1
    silent.socket.close()


def test_a_stopping_server_takes_no_new_client(fws_server: Start) -> None:
    server = begin(fws_server)
    silent = server.open()
    server.signal()
    assert silent.receive() is not None
    with pytest.raises(ConnectionError):
        server.client()
    assert server.wait() == 0
    silent.socket.close()
    assert not os.path.exists(f"/proc/{server.process.pid}/fd")


def test_a_server_that_still_waits_for_redis_ends_as_asked(tmp_path: Path) -> None:
    arguments = ["--storage", "redis", "--redis_host", "127.0.0.1", "--redis_port", "1"]
    with FwsServer(*arguments, cwd=tmp_path, listens=False) as server:
        server.wait_for("It is tried until it works")
        server.signal()
        assert server.wait() == 0
        assert "cannot start" not in server.log


@pytest.mark.parametrize("way", [signal.SIGTERM, signal.SIGUSR2], ids=["stop", "a worker's end"])
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_engine_io_ends_without_a_close_frame_that_javas_clients_would_heed_and_then_hear_no_end(
    fws_server: Start, redis: RedisServer, way: int, tls: bool, tmp_path: Path
) -> None:
    files = certificates.write(tmp_path)
    options = (
        ["--workers", "2", "--storage", "redis", "--redis_url", redis.url]
        if way == signal.SIGUSR2
        else ["--drain_seconds", "0.2"]
    )
    options += ["-key", files.key, "-cert", files.cert] if tls else []
    server = fws_server("-f", "filtered_websocket.filters.ws_emit", *options)
    uri = "/socket.io/?EIO=4&transport=websocket"
    clients = [server.client(tls).open(uri) for _ in range(4)]
    for client in clients:
        client.send('42["x"]', "40", '427["dance"]')
        assert [client.text()[:2] for _ in range(3)] == ["0{", "40", "43"]
    asked = time.monotonic()
    server.signal(way)
    for client in clients:
        assert list(client.frames()) == []
        client.socket.close()
    assert time.monotonic() - asked < 2.5, "well before any ping, and what a busy machine adds"
    if way == signal.SIGTERM:
        assert server.wait() == 0
        assert "Traceback" not in server.log

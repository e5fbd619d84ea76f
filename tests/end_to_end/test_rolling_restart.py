"""Restarts under load, of the server and of what it stores in: clients come back and go on from where they were, or are
told that they cannot.
"""

import os
import signal
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.fws_server import STARTING, FwsServer
from tests.support.raw_client import wait_until
from tests.support.redis_server import RedisServer
from tests.support.returning_clients import OPTIONS, Crowd


@pytest.mark.parametrize("drain", ["0", "1"])
def test_workers_that_are_replaced_one_by_one_lose_nothing(tmp_path: Path, drain: str) -> None:
    with RedisServer(tmp_path / "redis") as redis:
        storage = ("--workers", "2", "--storage", "redis", "--redis_url", redis.url, "--drain_seconds", drain)
        with FwsServer(*OPTIONS, *storage, cwd=tmp_path) as server, Crowd(server.port) as crowd:
            crowd.published()
            server.signal(signal.SIGUSR2)
            server.wait_for("worker 1 is replaced", STARTING)
            crowd.published()
            crowd.have_all_once_and_in_order()
            for client in crowd.clients:
                assert set(client.codes) == {1001}
                assert all(answer["recovered"] for answer in client.answers[1:]), client.answers


def test_a_worker_that_is_killed_loses_nothing(tmp_path: Path) -> None:
    with RedisServer(tmp_path / "redis") as redis:
        storage = ("--workers", "2", "--storage", "redis", "--redis_url", redis.url)
        with FwsServer(*OPTIONS, *storage, cwd=tmp_path) as server, Crowd(server.port) as crowd:
            crowd.published()
            (victim, *_) = (int(each) for each in children(server))
            os.kill(victim, signal.SIGKILL)
            server.wait_for(r"worker \d has died; starting it again[^$]*worker \d is ready", STARTING)
            crowd.published()
            crowd.have_all_once_and_in_order()
            assert any(client.codes for client in crowd.clients)
            assert all(answer["recovered"] for client in crowd.clients for answer in client.answers[1:])


def children(server: FwsServer) -> list[str]:
    return Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_one_process_that_is_started_anew_on_sqlite_loses_nothing(tmp_path: Path, end: signal.Signals) -> None:
    options = (*OPTIONS, "--storage", "sqlite", "--drain_seconds", "0.5")
    with ExitStack() as servers:
        first = servers.enter_context(FwsServer(*options, cwd=tmp_path))
        with Crowd(first.port) as crowd:
            crowd.published()
            first.signal(end)
            first.process.wait(30)
            servers.enter_context(FwsServer(*options, "-p", str(first.port), "--host", "127.0.0.1", cwd=tmp_path))
            crowd.published()
            crowd.have_all_once_and_in_order()
            for client in crowd.clients:
                assert set(client.codes) == {1001 if end == signal.SIGTERM else 1006}
                assert all(answer["recovered"] for answer in client.answers[1:]), client.answers


def redis_is_away(redis: RedisServer, crowd: Crowd) -> None:
    """Redis is killed and comes back; some clients lose their connections meanwhile."""
    crowd.published()
    redis.kill()
    for client in crowd.clients[::2]:
        client.cut()
    wait_until(lambda: all(client.codes for client in crowd.clients[::2]))
    redis.start()
    crowd.published()


def test_a_redis_that_keeps_its_data_and_is_killed_loses_nothing_of_what_was_confirmed(tmp_path: Path) -> None:
    with RedisServer(tmp_path / "redis", durable=True) as redis:
        storage = ("--storage", "redis", "--redis_url", redis.url)
        with FwsServer(*OPTIONS, *storage, cwd=tmp_path) as server, Crowd(server.port) as crowd:
            redis_is_away(redis, crowd)
            crowd.have_all_once_and_in_order()
            assert all(answer["recovered"] for client in crowd.clients for answer in client.answers[1:])


def test_everybody_is_told_of_a_redis_that_comes_back_empty(tmp_path: Path) -> None:
    with RedisServer(tmp_path / "redis") as redis:
        storage = ("--storage", "redis", "--redis_url", redis.url)
        with FwsServer(*OPTIONS, *storage, cwd=tmp_path) as server, Crowd(server.port) as crowd:
            redis_is_away(redis, crowd)
            crowd.publisher.end()
            last = crowd.publisher.confirmed[-1]
            for client in crowd.clients:
                wait_until(lambda client=client: last in client.numbers)  # type: ignore[misc]
                missing = set(crowd.publisher.confirmed) - set(client.numbers)
                assert client.numbers == sorted(set(client.numbers))
                assert not missing or not all(answer["recovered"] for answer in client.answers[1:]), missing

"""The parent's side of a worker, without processes; with them see end_to_end/test_workers.py."""

import socket
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from twisted.internet.task import Clock

from filtered_websocket.commands.fws_server.assembly import Assembly
from filtered_websocket.commands.fws_server.private_redis import PrivateRedis
from filtered_websocket.commands.fws_server.worker import Worker
from filtered_websocket.commands.fws_server.workers import Workers
from filtered_websocket.errors import ConfigError


@pytest.fixture
def ended():
    return []


@pytest.fixture
def worker(ended):
    return Worker(1, Clock(), ended.append)


def fired(deferred):
    return bool(deferred.called)


def test_a_word_is_heard_when_its_line_is_whole(worker):
    worker.childDataReceived(4, b"rea")
    assert not fired(worker.ready)
    worker.childDataReceived(4, b"dy\nrel")
    assert fired(worker.ready)
    reloaded = worker.says("reloaded")
    worker.childDataReceived(4, b"oaded\n")
    assert fired(reloaded)


def test_a_word_nobody_waits_for_is_forgotten(worker):
    worker.childDataReceived(4, b"reloaded\nready\nready\n")
    assert fired(worker.ready)
    assert not fired(worker.says("reloaded"))


def test_two_wait_for_one_word(worker):
    assert worker.says("ready") is worker.ready


def test_a_wait_for_a_worker_that_is_gone_ends(worker, ended):
    reloaded = worker.says("reloaded")
    worker.processEnded(None)
    assert fired(worker.ready)
    assert fired(reloaded)
    assert fired(worker.gone)
    assert ended == [worker]


# Which storage workers may have.


def workers(*arguments):
    argv = ("--workers", "2", "-f", "filtered_websocket.filters.stdout", *arguments)
    assembly = Assembly(argv, {})
    assembly.load()
    return Workers(argv, assembly, assembly.options(), Clock())


@pytest.fixture
def no_redis_server(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))


def test_shared_storage_needs_no_redis_of_the_workers_own(no_redis_server):
    assert workers("--storage", "redis")._redis is None


@pytest.mark.parametrize("storage", [(), ("--storage", "memory"), ("--storage", "sqlite")])
def test_storage_that_is_not_shared_is_refused_where_no_redis_server_is(no_redis_server, storage):
    with pytest.raises(ConfigError, match="2 workers need a storage object that crosses processes"):
        workers(*storage)


def test_memory_that_is_asked_for_is_not_replaced_by_redis(tmp_path, monkeypatch):
    (tmp_path / "redis-server").touch(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError, match="memory does not"):
        workers("--storage", "memory")


def test_a_redis_has_a_socket_that_can_be_whatever_the_folder_of_temporary_files(tmp_path, monkeypatch):
    temporary = tmp_path / ("x" * 120)
    temporary.mkdir()
    (tmp_path / "redis-server").touch(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    redis = PrivateRedis(SimpleNamespace(workers=2, storage="memory", source=lambda name: "default"), Clock())
    path = redis.url.removeprefix("unix://")
    assert len(path) <= 107
    with socket.socket(socket.AF_UNIX) as fits:
        fits.bind(path)
    assert list(temporary.iterdir()) == []
    with pytest.raises(StopIteration):
        redis.stop().send(None)


def test_a_redis_for_which_there_is_no_folder_is_refused_in_one_line(tmp_path, monkeypatch):
    (tmp_path / "redis-server").touch(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    with pytest.raises(ConfigError, match=r"no folder for the workers' redis-server: .*none.*: No such file"):
        PrivateRedis(SimpleNamespace(workers=2, storage="memory", source=lambda name: "default"), Clock())


def test_a_redis_that_was_never_started_leaves_nothing_behind(tmp_path, monkeypatch):
    (tmp_path / "redis-server").touch(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    redis = PrivateRedis(SimpleNamespace(workers=2, storage="memory", source=lambda name: "default"), Clock())
    folder = Path(redis.url.removeprefix("unix://")).parent
    assert folder.stat().st_mode & 0o77 == 0
    with pytest.raises(StopIteration):
        redis.stop().send(None)
    assert not folder.exists()

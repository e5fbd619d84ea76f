"""Several processes on one port, with a real Redis between them."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from tests.end_to_end.conftest import Start
from tests.end_to_end.raw_client import CLOSE, RawClient
from tests.end_to_end.server import FwsServer, command
from tests.redis_server import RedisServer

WHO = """
    import os
    from filtered_websocket.filters.base import WebSocketMessageFilter
    from filtered_websocket.filters import broadcast_messages

    class Who(WebSocketMessageFilter):
        @classmethod
        def filter(cls, web_socket_instance, data):
            if data == b"who":
                web_socket_instance.sendMessage(f"{os.getpid()} {VERSION}")

    VERSION = 1
"""


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory, redis: RedisServer) -> Iterator[FwsServer]:
    """Three workers for the tests that leave three workers behind."""
    folder = tmp_path_factory.mktemp("three")
    (folder / "my_filters.py").write_text(dedent(WHO))
    with FwsServer("--workers", "3", *on(redis), cwd=folder) as server:
        yield server


@pytest.fixture
def two(fws_server: Start, redis: RedisServer) -> FwsServer:
    return fws_server("--workers", "2", *on(redis), module=WHO)


def on(redis: RedisServer) -> tuple[str, ...]:
    return ("--storage", "redis", "--redis_url", redis.url, "-f", "my_filters")


def who(client: RawClient) -> tuple[int, int]:
    """The process that serves a client, and its version; what other clients broadcast is passed over."""
    client.send("who")
    while not (text := client.text())[0].isdigit():
        pass
    process, version = text.split()
    return int(process), int(version)


def on_each_worker(server: FwsServer, count: int = 3) -> dict[int, RawClient]:
    """A client on each worker, by the worker's process id."""
    clients: dict[int, RawClient] = {}
    for _ in range(200):
        client = server.open()
        clients.setdefault(who(client)[0], client)
        if len(clients) == count:
            return clients
    raise AssertionError(f"200 connections reached only the workers {list(clients)}")


def children(server: FwsServer) -> set[int]:
    listed = subprocess.run(["pgrep", "-P", str(server.process.pid)], capture_output=True, text=True, check=False)
    return {int(each) for each in listed.stdout.split()}


def test_a_message_reaches_the_clients_of_all_workers(three: FwsServer) -> None:
    one, *others = on_each_worker(three).values()
    one.send("hello")
    for other in others:
        while (text := other.text()) == "who":
            pass
        assert text == "hello"


def test_a_worker_that_is_killed_is_started_again_and_the_others_notice_nothing(three: FwsServer) -> None:
    clients = on_each_worker(three)
    victim, *others = clients
    os.kill(victim, signal.SIGKILL)
    three.wait_for(r"worker \d has died; starting it again[^$]*worker \d is ready")
    assert victim not in children(three)
    assert len(children(three)) == 3
    for other in others:
        clients[other].send("still here")
        assert who(clients[other])[0] == other


def test_sighup_reloads_every_worker_and_drops_no_connection(three: FwsServer) -> None:
    clients = on_each_worker(three)
    module = three.folder / "my_filters.py"
    module.write_text(module.read_text().replace("VERSION = 1", "VERSION = 22"))
    three.signal(signal.SIGHUP)
    three.wait_for("(reloaded: .*\n[^$]*){3}")
    for process, client in clients.items():
        assert who(client) == (process, 22)


def test_sigusr2_replaces_every_worker_and_the_port_answers_all_the_time(three: FwsServer) -> None:
    before = children(three)
    three.signal(signal.SIGUSR2)
    three.wait_for("(is replaced\n[^$]*){3}")
    assert not before & children(three)
    assert len(children(three)) == 3
    assert who(three.open())[0] in children(three)


def going_away(client: RawClient) -> bool:
    return next(each for each in client.frames() if each.opcode == CLOSE).payload[:2] == (1001).to_bytes(2, "big")


def test_sigterm_drains_all_workers(two: FwsServer) -> None:
    clients = on_each_worker(two, 2)
    two.signal()
    assert all(going_away(client) for client in clients.values())
    for client in clients.values():
        client.socket.close()
    assert two.wait() == 0
    assert not children(two)


def test_workers_end_when_their_parent_is_killed(two: FwsServer) -> None:
    clients = on_each_worker(two, 2)
    two.process.kill()
    assert all(going_away(client) for client in clients.values())
    two.wait()


def test_workers_without_shared_storage_are_refused_in_one_line(tmp_path: Path) -> None:
    ended = command("--workers", "2", "--storage", "sqlite", "-p", "0", cwd=tmp_path)
    assert ended.returncode == 1
    assert "use --storage redis" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_private_redis_is_started_where_one_is_installed(
    fws_server: Start, redis: RedisServer, tmp_path: Path
) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "redis-server").symlink_to(redis._command[0])
    path = f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"
    server = fws_server("--workers", "2", "-f", "my_filters", module=WHO, environment={"PATH": path})
    one, other = on_each_worker(server, 2).values()
    one.send("through the private redis")
    while other.text() != "through the private redis":
        pass
    server.signal()
    assert server.wait() == 0

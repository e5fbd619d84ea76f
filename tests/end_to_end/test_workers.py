"""Several processes on one port, with a real Redis between them."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.conftest import Start
from tests.end_to_end.raw_client import RawClient
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


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    with RedisServer(tmp_path / "redis") as server:
        yield server


@pytest.fixture
def three(fws_server: Start, redis: RedisServer) -> FwsServer:
    arguments = ("--workers", "3", "--storage", "redis", "--redis_url", redis.url, "-f", "my_filters")
    return fws_server(*arguments, module=WHO)


def who(client: RawClient) -> tuple[int, int]:
    client.send("who")
    process, version = client.text().split()
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
        assert who_after_noise(clients[other]) == other


def who_after_noise(client: RawClient) -> int:
    """This client's worker; what other clients broadcast is passed over."""
    client.send("who")
    while not (text := client.text()).endswith(" 1"):
        pass
    return int(text.split()[0])


def test_sighup_reloads_every_worker_and_drops_no_connection(three: FwsServer, tmp_path: Path) -> None:
    clients = on_each_worker(three)
    module = tmp_path / "my_filters.py"
    module.write_text(module.read_text().replace("VERSION = 1", "VERSION = 22"))
    three.signal(signal.SIGHUP)
    three.wait_for("(reloaded: .*\n[^$]*){3}")
    for process, client in clients.items():
        client.send("who")
        while not (text := client.text()).endswith(" 22"):
            pass
        assert text == f"{process} 22"


def test_sigusr2_replaces_every_worker_and_the_port_answers_all_the_time(three: FwsServer) -> None:
    before = children(three)
    three.signal(signal.SIGUSR2)
    three.wait_for("(is replaced\n[^$]*){3}")
    assert not before & children(three)
    assert len(children(three)) == 3
    assert who(three.open())[0] in children(three)


def test_sigterm_drains_all_workers(three: FwsServer) -> None:
    clients = on_each_worker(three)
    three.signal()
    for client in clients.values():
        assert next(each for each in client.frames() if each.opcode == 8).payload[:2] == (1001).to_bytes(2, "big")
        client.socket.close()
    assert three.wait() == 0
    assert not children(three)


def test_workers_end_when_their_parent_is_killed(three: FwsServer) -> None:
    clients = on_each_worker(three)
    three.process.kill()
    for client in clients.values():
        assert [each.opcode for each in client.frames()][-1] == 8
    three.wait()


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

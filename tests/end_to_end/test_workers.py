"""Several processes on one port, with a real Redis between them."""

import os
import signal
import socket
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from tests.support.fws_server import STARTING, FwsServer, Start, command
from tests.support.raw_client import CLOSE, DEADLINE, RawClient, wait_until
from tests.support.redis_server import RedisServer

TELLS = """
    import os
    from filtered_websocket.filters.base import WebSocketMessageFilter
    from filtered_websocket.filters import broadcast_messages

    class Tells(WebSocketMessageFilter):
        @classmethod
        def filter(cls, web_socket_instance, data):
            if data == b"worker?":
                web_socket_instance.sendMessage(f"{os.getpid()} {VERSION}")

    VERSION = 1
"""


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="module")
def of_three(tmp_path_factory: pytest.TempPathFactory, redis: RedisServer) -> Iterator[FwsServer]:
    """Three workers for the tests that leave three workers behind."""
    folder = tmp_path_factory.mktemp("three")
    (folder / "my_filters.py").write_text(dedent(TELLS))
    with FwsServer("--workers", "3", *on(redis), cwd=folder) as server:
        yield server


@pytest.fixture
def three(of_three: FwsServer) -> Iterator[FwsServer]:
    yield of_three
    of_three.close_clients()


@pytest.fixture
def two(fws_server: Start, redis: RedisServer) -> FwsServer:
    return fws_server("--workers", "2", *on(redis), module=TELLS)


def on(redis: RedisServer) -> tuple[str, ...]:
    return ("--storage", "redis", "--redis_url", redis.url, "-f", "my_filters")


def worker_of(client: RawClient) -> tuple[int, int]:
    """The process that serves a client, and its version; what other clients broadcast is passed over."""
    client.send("worker?")
    while not (text := client.text())[0].isdigit():
        pass
    process, version = text.split()
    return int(process), int(version)


def on_each_worker(server: FwsServer, count: int = 3) -> dict[int, RawClient]:
    """A client on each worker, by the worker's process id."""
    clients: dict[int, RawClient] = {}
    for _ in range(200):
        client = server.open()
        clients.setdefault(worker_of(client)[0], client)
        if len(clients) == count:
            return clients
    raise AssertionError(f"200 connections reached only the workers {list(clients)}")


def children(server: FwsServer) -> set[int]:
    found = (each.read_text() for each in Path(f"/proc/{server.process.pid}/task").glob("*/children"))
    return {int(number) for each in found for number in each.split()}


def test_a_message_reaches_the_clients_of_all_workers(three: FwsServer) -> None:
    one, *others = on_each_worker(three).values()
    one.send("hello")
    for other in others:
        while (text := other.text()) == "worker?":
            pass
        assert text == "hello"


def test_a_worker_that_is_killed_is_started_again_and_the_others_notice_nothing(three: FwsServer) -> None:
    clients = on_each_worker(three)
    victim, *others = clients
    os.kill(victim, signal.SIGKILL)
    three.wait_for(r"worker \d has died; starting it again[^$]*worker \d is ready", STARTING)
    assert victim not in children(three)
    assert len(children(three)) == 3
    for other in others:
        clients[other].send("still here")
        assert worker_of(clients[other])[0] == other


def test_sighup_reloads_every_worker_and_drops_no_connection(three: FwsServer) -> None:
    clients = on_each_worker(three)
    module = three.folder / "my_filters.py"
    module.write_text(module.read_text().replace("VERSION = 1", "VERSION = 22"))
    three.signal(signal.SIGHUP)
    three.wait_for("(reloaded: .*\n[^$]*){3}")
    for process, client in clients.items():
        assert worker_of(client) == (process, 22)


def test_a_broken_filter_leaves_every_worker_and_all_its_clients_as_they_are(three: FwsServer) -> None:
    clients = [three.open() for _ in range(100)]
    before = [worker_of(client) for client in clients]
    assert {process for process, _ in before} == children(three)
    module = three.folder / "my_filters.py"
    good = module.read_text()
    module.write_text("import no_such_thing\n")
    three.signal(signal.SIGHUP)
    try:
        three.wait_for("not reloaded, everything stays as it was: .*no_such_thing")
        three.wait_for("worker 0 has not reloaded: no worker has reloaded")
    finally:
        module.write_text(good)
    assert [worker_of(client) for client in clients] == before


def test_a_worker_that_does_not_reload_ends_it_for_those_behind_it(fws_server: Start, redis: RedisServer) -> None:
    fails = """
    from filtered_websocket.filters.base import WebSocketStartFilter

    class Fails(WebSocketStartFilter):
        @classmethod
        def filter(cls, pipeline):
            if VERSION == 2 and os.environ["FILTERED_WEBSOCKET_WORKER"] == "1":
                raise OSError("no database")
    """
    server = fws_server("--workers", "3", *on(redis), module=TELLS + fails)
    clients = on_each_worker(server)
    module = server.folder / "my_filters.py"
    module.write_text(module.read_text().replace("VERSION = 1", "VERSION = 2"))
    server.signal(signal.SIGHUP)
    server.wait_for("worker 1 has not reloaded: those before it run what is new, it and the others the old")
    assert sorted(worker_of(client)[1] for client in clients.values()) == [1, 1, 2]
    module.write_text(module.read_text().replace("VERSION = 2\n", "VERSION = 3\n"))
    server.signal(signal.SIGHUP)
    wait_until(lambda: [worker_of(client)[1] for client in clients.values()] == [3, 3, 3])


def test_what_is_asked_of_workers_while_they_are_busy_follows(two: FwsServer) -> None:
    before = set(on_each_worker(two, 2))
    module = two.folder / "my_filters.py"
    for version in range(2, 8):
        module.write_text(module.read_text().replace(f"VERSION = {version - 1}", f"VERSION = {version}"))
        two.signal(signal.SIGHUP)
    two.signal(signal.SIGUSR2)
    two.wait_for("worker 1 is replaced", STARTING)
    replaced = on_each_worker(two, 2)
    assert before.isdisjoint(replaced)
    assert [worker_of(client)[1] for client in replaced.values()] == [7, 7]


def test_sigusr2_replaces_every_worker_and_the_port_answers_all_the_time(three: FwsServer) -> None:
    before = children(three)
    three.signal(signal.SIGUSR2)
    three.wait_for("(is replaced\n[^$]*){3}", STARTING)
    assert not before & children(three)
    assert len(children(three)) == 3
    assert worker_of(three.open())[0] in children(three)


def going_away(client: RawClient) -> bool:
    return next(each for each in client.frames() if each.opcode == CLOSE).payload[:2] == (1001).to_bytes(2, "big")


def all_go_away(server: FwsServer, clients: Iterable[RawClient]) -> None:
    """The workers drain: they part from their clients, end, and the server with them."""
    assert all(going_away(client) for client in clients)
    for client in clients:
        client.socket.close()
    assert server.wait() == 0
    assert not children(server)


def test_a_signal_to_the_whole_group_drains_them_too_as_ctrl_c_and_systemd_send_it(two: FwsServer) -> None:
    clients = on_each_worker(two, 2)
    for process in children(two):
        os.kill(process, signal.SIGINT)
    two.signal(signal.SIGINT)
    all_go_away(two, clients.values())


def is_closed(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def is_running(process: int) -> bool:
    """Not a zombie, which waits for the process that has adopted it."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_the_second_signal_ends_parent_and_workers_at_once(fws_server: Start, redis: RedisServer) -> None:
    server = fws_server("--workers", "2", "--drain_seconds", "600", *on(redis), module=TELLS)
    assert len(on_each_worker(server, 2)) == 2
    workers = children(server)
    server.signal()
    wait_until(lambda: is_closed(server.port))
    assert children(server) == workers, "they drain"
    server.signal()
    assert server.wait() == 1
    wait_until(lambda: not any(is_running(process) for process in workers))


def test_sigterm_drains_all_workers(two: FwsServer) -> None:
    clients = on_each_worker(two, 2)
    two.signal()
    all_go_away(two, clients.values())


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


# A Redis of the workers' own.


def with_program(folder: Path, program: Path | str) -> dict[str, str]:
    """An environment in which redis-server is this."""
    (folder / "bin").mkdir()
    (folder / "bin" / "redis-server").symlink_to(program)
    return {"PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"}


def test_a_private_redis_starts_also_where_the_folder_of_temporary_files_has_a_long_name(
    fws_server: Start, redis: RedisServer, tmp_path: Path
) -> None:
    temporary = tmp_path / ("x" * 120)
    temporary.mkdir()
    environment = with_program(tmp_path, redis._command[0]) | {"TMPDIR": str(temporary)}
    server = fws_server("--workers", "2", "-f", "my_filters", module=TELLS, environment=environment)
    one, other = on_each_worker(server, 2).values()
    one.send("through the private redis")
    while other.text() != "through the private redis":
        pass
    assert "has died" not in server.log


def test_a_private_redis_that_can_never_start_ends_the_parent_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "broken").write_text("#!/bin/sh\nexit 3\n")
    (tmp_path / "broken").chmod(0o755)
    ended = command("--workers", "2", "-p", "0", cwd=tmp_path, environment=with_program(tmp_path, tmp_path / "broken"))
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    last = ended.stderr.splitlines()[-1]
    assert last.startswith(f"fws_server: cannot start {tmp_path}/bin/redis-server for the workers: ")
    assert "has died" not in ended.stderr


def test_workers_of_which_none_can_start_again_end_the_parent(fws_server: Start, redis: RedisServer) -> None:
    server = fws_server("--workers", "2", *on(redis), module=TELLS)
    (server.folder / "my_filters.py").write_text("import no_such_library")
    for worker in children(server):
        os.kill(worker, signal.SIGKILL)
    assert server.wait(3 * DEADLINE) == 1, "three starts of each, one after the other"
    assert server.log.endswith("fws_server: no worker starts any more: its own lines above say why\n")


@pytest.fixture
def with_private_redis(fws_server: Start, redis: RedisServer, tmp_path: Path) -> FwsServer:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "redis-server").symlink_to(redis._command[0])
    path = f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"
    arguments = ("--workers", "2", "-f", "my_filters", "--ping_interval", "0")
    return fws_server(*arguments, module=TELLS, environment={"PATH": path})


def private_redis(server: FwsServer) -> int | None:
    """Its process, if there is one."""
    path = f"{server.folder}/bin/redis-server".encode()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if path in (process / "cmdline").read_bytes():
                return int(process.name)
        except OSError:
            pass  # it has ended
    return None


def test_a_private_redis_is_started_where_one_is_installed_and_again_when_it_dies(
    with_private_redis: FwsServer,
) -> None:
    one, other = on_each_worker(with_private_redis, 2).values()
    one.send("through the private redis")
    while other.text() != "through the private redis":
        pass
    died = private_redis(with_private_redis)
    assert died is not None
    os.kill(died, signal.SIGKILL)
    with_private_redis.wait_for("redis-server has died(.|\\n)*(the storage object is ready(.|\\n)*){2}")
    one.send("through the next one")
    while other.text() != "through the next one":
        pass
    with_private_redis.drop_clients()
    with_private_redis.signal()
    assert with_private_redis.wait() == 0
    assert private_redis(with_private_redis) is None


def test_a_private_redis_ends_with_a_parent_that_is_killed(with_private_redis: FwsServer) -> None:
    assert private_redis(with_private_redis)
    with_private_redis.process.kill()
    wait_until(lambda: private_redis(with_private_redis) is None)


# One of three dies, among many clients.

PRESENT = """
    import os
    from filtered_websocket.filters.base import (
        WebSocketConnectFilter, WebSocketDisconnectFilter, WebSocketMessageFilter, WebSocketStartFilter
    )

    class Begin(WebSocketStartFilter):
        @classmethod
        def filter(cls, pipeline, data):
            def left(channel, member, info):
                pipeline.publish("lobby", f"left {member}")
            pipeline.member_left.append(left)

    class Enter(WebSocketConnectFilter):
        @classmethod
        async def filter(cls, connection, data):
            await connection.subscribe("lobby")
            await connection.storage_object.join("lobby", connection.id, connection.id, str(os.getpid()))
            connection.sendMessage(f"{os.getpid()} {connection.id}")

    class Members(WebSocketMessageFilter):
        @classmethod
        async def filter(cls, connection, data):
            if data == b"members":
                members = await connection.storage_object.members("lobby")
                connection.sendMessage("members " + " ".join(sorted(members)))
            else:
                connection.publish("lobby", data)

    class Leave(WebSocketDisconnectFilter):
        @classmethod
        async def filter(cls, connection, data):
            await connection.storage_object.leave("lobby", connection.id, connection.id)
"""
LEASE = 2.0
# A key of its own: other servers on this Redis would share its sweeping, and tell nobody.
LEASED = ("--lease_seconds", str(LEASE), "--ping_interval", "0", "--redis_key", "leased")


def members(client: RawClient) -> list[str]:
    client.send("members")
    while not (text := client.text()).startswith("members"):
        pass
    return text.split()[1:]


@pytest.mark.quiet
def test_a_worker_killed_among_200_clients_takes_its_members_with_it_and_nothing_else(
    fws_server: Start, redis: RedisServer
) -> None:
    server = fws_server("--workers", "3", *on(redis), *LEASED, module=PRESENT)
    began = time.monotonic()
    by_worker: dict[int, dict[str, RawClient]] = {}
    for _ in range(200):
        client = server.open()
        process, name = client.text().split()
        by_worker.setdefault(int(process), {})[name] = client
    assert len(by_worker) == 3
    victim = next(iter(by_worker))
    lost = by_worker.pop(victim)
    others = {name: client for clients in by_worker.values() for name, client in clients.items()}
    one = next(iter(others.values()))
    assert set(members(one)) == lost.keys() | others.keys()
    # A node that sweeps has been connected for a whole lease.
    threading.Event().wait(max(0.0, began + LEASE - time.monotonic()))

    os.kill(victim, signal.SIGKILL)
    killed = time.monotonic()
    server.wait_for(r"worker \d has died; starting it again(.|\n)*worker \d is ready", STARTING)
    back = time.monotonic() - killed
    wait_until(lambda: set(members(one)) == others.keys())
    gone = time.monotonic() - killed
    # Each that is gone is told to everybody, once, and nothing else is.
    rest = [client for client in others.values() if client is not one]
    for client in rest:
        assert {client.text() for _ in lost} == {f"left {name}" for name in lost}
    one.send("all still here?")
    assert {client.text() for client in rest} == {"all still here?"}
    assert children(server) > by_worker.keys()
    assert back < 2
    assert gone < LEASE + 0.5  # and what asking takes

"""Where the server listens besides a port: a Unix socket, an inherited socket; what it says of itself."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.fws_server import Start
from tests.support.http_client import ask
from tests.support.raw_client import RawClient, head
from tests.support.redis_server import RedisServer

ECHO = """
    from filtered_websocket.filters.base import WebSocketMessageFilter

    class Echo(WebSocketMessageFilter):
        @classmethod
        def filter(cls, connection, data):
            connection.sendMessage(connection.request.peer + " " + data.decode())
"""


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


def test_a_unix_socket(fws_server: Start, tmp_path: Path) -> None:
    path = str(tmp_path / "socket")
    server = fws_server("--host", f"unix:{path}", "-f", "my_filters", module=ECHO)
    assert server.url == f"ws+unix:{path}"
    with RawClient(path).open() as client:
        client.send("hello")
        assert client.text() == "unix hello"
        client.quit()
    # One that was killed leaves its socket, and is no hindrance.
    server.process.kill()
    server.wait()
    assert os.path.exists(path)
    again = fws_server("--host", f"unix:{path}", "-f", "my_filters", "--trusted_proxies", "1")
    with RawClient(path).open("/", [("X-Forwarded-For", "1.2.3.4")]) as client:
        client.send("hello")
        assert client.text() == "1.2.3.4 hello"
    again.signal()
    assert again.wait() == 0
    assert not os.path.exists(path)


def test_an_inherited_socket(fws_server: Start) -> None:
    with socket.socket() as inherited:
        inherited.bind(("127.0.0.1", 0))
        inherited.listen()
        # A client that connects before the server is there waits in the kernel.
        early = RawClient(inherited.getsockname())
        number = inherited.fileno()
        server = fws_server("--host", f"fd:{number}", "-f", "my_filters", module=ECHO, pass_fds=[number])
        assert server.port == inherited.getsockname()[1]
        with early.open(), server.open() as late:
            early.send("early")
            assert early.text() == "127.0.0.1 early"
            late.send("late")
            assert late.text() == "127.0.0.1 late"


@pytest.mark.parametrize("reactor", ["lean", "epoll", "poll", "select", "asyncio"])
def test_without_a_host_both_families_are_served_on_one_port(fws_server: Start, reactor: str) -> None:
    server = fws_server("-p", "0", "-f", "my_filters", "--reactor", reactor, module=ECHO)
    assert f"listening on ws://0.0.0.0:{server.port} and ws://[::]:{server.port}\n" in server.log
    for host in ("127.0.0.1", "::1"):
        with RawClient((host, server.port)).open() as client:
            client.send("hello")
            assert client.text() == f"{host} hello"
            client.quit()


def test_without_a_host_workers_serve_both_families_too(fws_server: Start, redis: RedisServer) -> None:
    storage = ("--storage", "redis", "--redis_url", redis.url)
    server = fws_server("-p", "0", "-f", "my_filters", "--workers", "2", *storage, module=ECHO)
    assert f"listening on ws://0.0.0.0:{server.port} and ws://[::]:{server.port} with 2 workers\n" in server.log
    for host in ("127.0.0.1", "::1"):
        with RawClient((host, server.port)).open() as client:
            client.send("hello")
            assert client.text() == f"{host} hello"
            client.quit()


def test_an_inherited_socket_of_both_families_tells_ipv4_addresses_as_they_are(fws_server: Start) -> None:
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as inherited:
        number = inherited.fileno()
        fws_server("--host", f"fd:{number}", "-f", "my_filters", module=ECHO, pass_fds=[number])
        with RawClient(("127.0.0.1", inherited.getsockname()[1])).open() as client:
            client.send("hello")
            assert client.text() == "127.0.0.1 hello"


def test_ipv4_clients_of_a_port_of_both_families_are_local_limited_and_logged_by_their_address(
    fws_server: Start,
) -> None:
    admin = ("--admin_host", "", "--admin_port", "0")
    server = fws_server("-p", "0", "--max_connections_per_address", "1", *admin)
    address = ("127.0.0.1", server.port)
    with RawClient(address).open() as first, RawClient(address) as second:
        second.send(head())
        assert second.response().status == 429
        server.wait_for(r"refused: max_connections_per_address.*\(127\.0\.0\.1\)")
        with RawClient(("::1", server.port)).open() as other:
            other.quit()
        first.quit()
    port = int(server.wait_for(r"health, metrics and publish on http://0\.0\.0\.0:(\d+)").group(1))
    for host in ("127.0.0.1", "::1"):
        assert ask((host, port), "GET", "/health/live").status == 200


def test_the_dashboard_is_local_for_both_families(fws_server: Start) -> None:
    server = fws_server("-p", "0")
    for host in ("127.0.0.1", "::1"):
        assert ask((host, server.port), "GET", "/dashboard").status == 200


def test_the_banner_draws_the_pipelines_and_names_what_is_unsafe(fws_server: Start) -> None:
    server = fws_server("--allowed_origins", "*", "--ping_interval", "0")
    assert "cat message | broadcast_messages.BroadcastMessages | stdout_messages.StdoutMessages" in server.log
    assert "warn" in server.log
    assert "UNSAFE: any web page may connect with its visitor's cookies (allowed_origins holds *)" in server.log
    assert "UNSAFE: dead clients are never noticed (ping_interval is 0)" in server.log
    server.signal()
    assert server.wait() == 0

"""Where the server listens besides a port: a Unix socket, an inherited socket; what it says of itself."""

import os
import socket
from pathlib import Path

from tests.end_to_end.conftest import Start
from tests.end_to_end.raw_client import RawClient

ECHO = """
    from filtered_websocket.filters.base import WebSocketMessageFilter

    class Echo(WebSocketMessageFilter):
        @classmethod
        def filter(cls, connection, data):
            connection.sendMessage(connection.request.peer + " " + data.decode())
"""


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
        # Who connects before the server is there, waits in the kernel.
        early = RawClient(inherited.getsockname())
        number = inherited.fileno()
        server = fws_server("--host", f"fd:{number}", "-f", "my_filters", module=ECHO, pass_fds=[number])
        assert server.port == inherited.getsockname()[1]
        with early.open(), server.open() as late:
            early.send("early")
            assert early.text() == "127.0.0.1 early"
            late.send("late")
            assert late.text() == "127.0.0.1 late"


def test_the_banner_draws_the_pipelines_and_names_what_is_unsafe(fws_server: Start) -> None:
    server = fws_server("--allowed_origins", "*", "--ping_interval", "0")
    assert "cat message | broadcast_messages.BroadcastMessages | stdout_messages.StdoutMessages" in server.log
    assert "warn" in server.log
    assert "UNSAFE: any web page may connect with its visitor's cookies (allowed_origins holds *)" in server.log
    assert "UNSAFE: dead clients are never noticed (ping_interval is 0)" in server.log
    server.signal()
    assert server.wait() == 0

"""Several pipelines: each path has its own filters, users, channels and option values."""

import json
from pathlib import Path
from textwrap import dedent

import pytest

from tests.support.fws_server import Start
from tests.support.raw_client import frame, head

FILTERS = """
    from filtered_websocket.config import Option, integer
    from filtered_websocket.filters.base import WebSocketConnectFilter, WebSocketMessageFilter, WebSocketDataFilter

    OPTIONS = (Option("greeting_count", integer(0, 9), 1, "how often to greet", scope="pipeline"),)

    class Greet(WebSocketConnectFilter):
        @classmethod
        def filter(cls, connection, data):
            connection.subscribe("room")
            for _ in range(connection.pipeline.options.greeting_count):
                connection.sendMessage(f"welcome to {connection.pipeline.name or 'everywhere'}")

    class Tell(WebSocketMessageFilter):
        @classmethod
        def filter(cls, connection, data):
            if data == b"users":
                connection.sendMessage(str(len(connection.users)))
            else:
                connection.publish("room", data)
"""
RAW = """
    from filtered_websocket.filters.base import WebSocketDataFilter

    class Raw(WebSocketDataFilter):
        @classmethod
        def filter(cls, connection, data):
            print("raw", connection.pipeline.name, data[:20], flush=True)
"""


@pytest.fixture
def config(tmp_path: Path) -> str:
    (tmp_path / "my_filters.py").write_text(dedent(FILTERS))
    (tmp_path / "raw.py").write_text(dedent(RAW))
    pipelines = {
        "/chat": ["my_filters"],
        "/app/* /apps/*": {"filters": ["raw", "my_filters"], "greeting_count": "2", "max_message_size": 100},
        "/app/vip/*": {"filters": ["my_filters"], "allowed_origins": ["https://vip.example"]},
    }
    (tmp_path / "config.json").write_text("# several paths\n" + json.dumps({"pipelines": pipelines}))
    return str(tmp_path / "config.json")


def test_each_path_has_its_own(fws_server: Start, config: str) -> None:
    server = fws_server("-c", config)
    server.wait_for("cat message | my_filters.Tell")
    chat, app, apps = server.open("/chat"), server.open("/app/one?x=1"), server.open("/apps/two")
    assert chat.text() == "welcome to /chat"
    assert [app.text(), app.text(), apps.text(), apps.text()] == ["welcome to /app/*"] * 4
    # Users and channels are apart, though the channel's name is the same.
    chat.send("users", "to the chat")
    app.send("users", "to the apps")
    assert [chat.text(), chat.text()] == ["1", "to the chat"]
    assert [app.text(), app.text(), apps.text()] == ["2", "to the apps", "to the apps"]
    # Option values too.
    app.send(frame("x" * 101))
    assert app.closed()[0] == 1009
    chat.send("x" * 101)
    assert chat.text() == "x" * 101
    # The longest literal beginning wins.
    with server.open("/app/vip/1", [("Origin", "https://vip.example")]) as vip:
        assert vip.text() == "welcome to /app/vip/*"
    with server.client() as other:
        other.send(head("/app/vip/1", [("Origin", "http://localhost")]))
        assert other.response().status == 403
    for path in ["/", "/chat/", "/chats", "/ap", "/app"]:
        with server.client() as lost:
            lost.send(head(path))
            assert lost.response().status == 404, path
    # Data filters see what their path asks for, from the first byte, however it comes.
    with server.client() as bytewise:
        bytewise.send_bytewise(head("/%61pp/one"))
        assert bytewise.response().status == 101
        assert bytewise.text() == "welcome to /app/*"
    # A URL as target is its path, for pipelines too.
    with server.client() as proxied:
        proxied.send_bytewise(head("ws://example.com/app/two"))
        assert proxied.response().status == 101
        assert proxied.text() == "welcome to /app/*"
    for client in (chat, app, apps):
        client.socket.close()
    server.signal()
    assert server.wait() == 0
    assert "raw /app/* b'GET /%61pp/one HTTP/" in server.printed
    assert "raw /app/* b'GET ws://example.com'" in server.printed
    assert "GET /chat" not in server.printed


def test_what_an_environment_name_and_a_flag_say_counts_more_than_the_file(fws_server: Start, tmp_path: Path) -> None:
    (tmp_path / "c.json").write_text('{"filters": ["my_filters"], "greeting_count": 3, "ping_interval": "5"}')
    server = fws_server("-c", "c.json", module=FILTERS, environment={"FWS_GREETING_COUNT": "2"})
    with server.open() as client:
        client.send("end")
        assert [client.text(), client.text(), client.text()] == ["welcome to everywhere"] * 2 + ["end"]


def test_bytes_of_no_http_are_seen_by_the_data_filters_of_all_other_paths(fws_server: Start, config: str) -> None:
    (Path(config).parent / "more.json").write_text('{"filters": ["raw"], "pipelines": {"/chat": ["my_filters"]}}')
    server = fws_server("-c", "more.json")
    with server.client() as client:
        client.send(b"Morgan\n")
        assert client.response().status == 400
    server.signal()
    assert server.wait() == 0
    assert server.printed == "raw  b'Morgan\\n'\n"

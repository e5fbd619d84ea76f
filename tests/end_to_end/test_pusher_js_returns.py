"""When pusher-js comes back, and when it does not: what it makes of the codes that it is closed with."""

import json
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from textwrap import dedent

import pytest

from tests.support.channel_servers import running
from tests.support.fws_server import FwsServer
from tests.support.lines import PusherJs
from tests.support.redis_server import RedisServer

PUSHER = "filtered_websocket.filters.pusher"
APP = {"id": "1001", "key": "app-key", "secret": "app-secret", "client_events": True}

CLOSES = """
    import json
    from filtered_websocket.errors import Close
    from filtered_websocket.filters.base import WebSocketMessageFilter

    class Closes(WebSocketMessageFilter):
        @classmethod
        def filter(cls, connection, data):
            packet = json.loads(data)
            if packet["event"] == "client-close":
                raise Close(packet["data"], "as was asked for")
"""


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def client_of(port: int, key: str = "app-key") -> PusherJs:
    where = {"host": "127.0.0.1", "port": port, "useTLS": False}
    return PusherJs({"appId": "1001", "key": key, "secret": "app-secret", **where}, "a")


@pytest.fixture(scope="module")
def closing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FwsServer]:
    """A server that closes with the code it is asked for."""
    folder = tmp_path_factory.mktemp("closing")
    (folder / "closes.py").write_text(dedent(CLOSES))
    with running(folder, filters=["closes", PUSHER], pusher_apps=[APP]) as server:
        yield server


def pause(client: PusherJs) -> float:
    """The milliseconds from when it was closed to when it tried again. What it says of its wait tells nothing: it says
    a second also where it comes at once."""
    return float(client.wait("connecting")["ms"] - client.wait("closed")["ms"])


@pytest.mark.parametrize(
    ("code", "at_once"),
    [
        (1001, False),  # a server that stops, alone
        (1013, False),  # the storage is away
        (4100, False),  # a filter of one's own that says so
        (4200, True),  # a server that stops, and others serve on
    ],
)
def test_it_comes_back_after_a_second_or_at_once(
    closing: FwsServer, stack: ExitStack, code: int, at_once: bool
) -> None:
    client = stack.enter_context(client_of(closing.port)).connected()
    client.subscribe("presence-back")
    client.do("send", "client-close", code, "presence-back")
    client.connected()
    assert client.event("presence-back", "pusher:subscription_succeeded")["me"]["id"] == "a"
    assert (pause(client) < 950) is at_once


@pytest.mark.parametrize("code", [4001, 4009, 4099])
def test_it_does_not_come_back_when_it_was_refused(closing: FwsServer, stack: ExitStack, code: int) -> None:
    client = stack.enter_context(client_of(closing.port)).connected()
    client.do("send", "client-close", code, "x")
    assert client.wait("error")["code"] == code
    client.wait("disconnected")
    assert client.heard("closed") == client.heard("connecting") == []


def test_it_does_not_come_back_with_a_key_that_is_unknown(closing: FwsServer, stack: ExitStack) -> None:
    client = stack.enter_context(client_of(closing.port, "nobody"))
    assert client.wait("error")["code"] == 4001
    client.wait("disconnected")


def test_to_a_server_that_starts_anew_it_comes_back_and_subscribes_again(tmp_path: Path, stack: ExitStack) -> None:
    # Behind a socket that stays, as systemd keeps one: pusher-js, once refused, would wait for fifteen seconds.
    listening = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    where = ("-f", PUSHER, "--host", f"fd:{listening.fileno()}")
    environment = {"FWS_PUSHER_APPS": json.dumps([APP])}
    given = {"cwd": tmp_path, "environment": environment, "pass_fds": (listening.fileno(),)}
    with FwsServer(*where, **given) as first:  # type: ignore[arg-type]
        client = stack.enter_context(client_of(listening.getsockname()[1])).connected()
        client.subscribe("presence-back")
        first.signal()
        first.wait()
    with FwsServer(*where, **given):  # type: ignore[arg-type]
        client.connected()
        assert client.event("presence-back", "pusher:subscription_succeeded")["count"] == 1
        assert pause(client) > 950
        stack.close()


def test_when_another_process_serves_on_it_comes_back_at_once(tmp_path: Path, stack: ExitStack) -> None:
    redis = stack.enter_context(RedisServer(tmp_path / "redis"))
    storage = {"storage": "redis", "redis_url": redis.url, "workers": 2}
    server = stack.enter_context(running(tmp_path, filters=[PUSHER], pusher_apps=[APP], **storage))
    client = stack.enter_context(client_of(server.port)).connected()
    client.subscribe("presence-back")
    server.signal(signal.SIGUSR2)  # every worker is replaced
    assert client.wait("error")["code"] == 4200
    client.connected()
    assert client.event("presence-back", "pusher:subscription_succeeded")["count"] == 1
    assert pause(client) < 950

"""The real fws_server with handlers of python-socketio, two workers on a Redis, npm's client."""

from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.fws_server import FwsServer
from tests.support.redis_server import RedisServer
from tests.support.socketio_clients import Client

APPLICATION = """
import asyncio

from filtered_websocket.filters.socketio import handlers as socketio

sio = socketio.AsyncServer(async_mode="asgi")


@sio.event
async def connect(sid, environ):
    await sio.enter_room(sid, "all")
    await sio.emit("entered", sid)


@sio.event
async def say(sid, text):
    await sio.emit("said", text, room="all", skip_sid=sid)


@sio.event
async def question(sid, other):
    return await ASK
"""


ASK = 'sio.call("ask", (1, b"x"), to=other, timeout=30)'


@pytest.mark.parametrize(("reactor", "ask"), [("asyncio", f"asyncio.wait_for({ASK}, 10)"), ("default", ASK)])
def test_clients_of_two_workers(tmp_path: Path, reactor: str, ask: str) -> None:
    (tmp_path / "application.py").write_text(APPLICATION.replace("ASK", ask))
    options = ["--reactor", reactor] if reactor == "asyncio" else []
    with ExitStack() as stack:
        redis = stack.enter_context(RedisServer(tmp_path))
        options += ["--workers", "2", "--storage", "redis", "--redis_url", redis.url]
        server = stack.enter_context(FwsServer("-f", "application", *options, cwd=tmp_path))
        clients, ids = [], list[str]()
        for _ in range(4):
            clients.append(client := stack.enter_context(Client("js-4", f"http://127.0.0.1:{server.port}")))
            ids.append(client.wait("connect")["id"])
            # All have heard of it before the next one comes.
            seen = [each.event() for each in clients]
            assert seen == [("entered", ids[-1])] * len(clients)
        first, *others = clients
        assert [first.ask("question", id) for id in ids[1:]] == [[1, {"bytes": [120]}]] * 3
        assert {client.event()[0] for client in others} == {"ask"}
        first.emit("say", "x")
        assert [client.event() for client in others] == [("said", "x")] * 3
        others[0].emit("say", "y")
        assert first.event() == ("said", "y")

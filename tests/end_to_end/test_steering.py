"""Two nodes with two workers each, on one Redis: one user's connection is found, traced and ended, from any of them."""

import base64
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from queue import Queue
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from tests.support.browser import Browser
from tests.support.deadlines import joined
from tests.support.fws_server import STARTING, FwsServer
from tests.support.redis_server import RedisServer
from tests.support.websocket_client import ClientConnection, connect

COMMAND = (sys.executable, "-m", "filtered_websocket.commands.fws_admin")
SECRET = "the admin secret"
FILTERS = """
from filtered_websocket.filters.base import WebSocketHandshakeFilter, WebSocketMessageFilter

class Named(WebSocketHandshakeFilter):
    @classmethod
    def filter(cls, connection, data):
        connection.user = data.params["user"][0]

class Polite(WebSocketMessageFilter):
    @classmethod
    def filter(cls, connection, data):
        return data.replace(b"darn", b"d***")

class Join(WebSocketMessageFilter):
    @classmethod
    async def filter(cls, connection, data):
        await connection.subscribe("news")
        connection.sendMessage(b"said: " + data, False)
"""


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[FwsServer]]:
    with ExitStack() as stack:
        redis = stack.enter_context(RedisServer(tmp_path_factory.mktemp("redis")))
        running = []
        for number in range(2):
            folder = tmp_path_factory.mktemp(f"node{number}")
            (folder / "steered.py").write_text(FILTERS)
            running.append(
                stack.enter_context(
                    FwsServer(
                        "-f", "steered", "--workers", "2", "--storage", "redis", "--redis_url", redis.url,
                        "--admin_secret", SECRET, cwd=folder,
                    )
                )
            )  # fmt: skip
        yield running


def admin(server: FwsServer, *arguments: str, code: int = 0) -> str:
    """What `fws_admin` prints."""
    done = subprocess.run(
        [*COMMAND, "--url", f"http://127.0.0.1:{server.port}", *arguments],
        env=os.environ | {"FWS_ADMIN_SECRET": SECRET}, capture_output=True, text=True, timeout=STARTING, check=False,
    )  # fmt: skip
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout if code == 0 else done.stderr


def listed(server: FwsServer, *arguments: str) -> Any:
    return json.loads(admin(server, "--json", "connections", *arguments))


@pytest.fixture
def clients(servers: list[FwsServer]) -> Iterator[dict[str, ClientConnection]]:
    """Some of every user's, on both nodes: the kernel chooses the worker."""
    with ExitStack() as stack:
        made = {}
        for name in ("ann", "bob", "eve", "joe", "kim", "lea"):
            server = servers[len(made) % 2]
            made[name] = stack.enter_context(connect(f"ws://127.0.0.1:{server.port}/?user={name}", close_timeout=1))
        yield made


def until_all_answer(server: FwsServer) -> Any:
    """All four processes know of each other."""
    end = time.monotonic() + STARTING
    while True:
        found = listed(server)
        if len(found["processes"]) == 4:
            assert found["unanswered"] == []
            return found
        assert time.monotonic() < end, found


def test_one_user_is_found_traced_and_ended_from_the_shell(
    servers: list[FwsServer], clients: dict[str, ClientConnection]
) -> None:
    # Ann is on the first node, and the second is asked.
    asked = servers[1]
    found = until_all_answer(asked)
    assert {row["user"] for row in found["connections"]} >= set(clients)
    assert len({row["process"] for row in found["connections"]}) >= 2
    (row,) = listed(asked, "--user", "ann")["connections"]
    assert "ann" in admin(asked, "connections", "--user", "ann")
    events: Queue[Any] = Queue()
    trace = subprocess.Popen(
        [*COMMAND, "--url", f"http://127.0.0.1:{asked.port}", "--json", "trace", "--user", "ann"],
        env=os.environ | {"FWS_ADMIN_SECRET": SECRET}, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert trace.stdout is not None
    reader = threading.Thread(target=lambda: [events.put(json.loads(line)) for line in trace.stdout or ()])
    reader.start()
    try:
        begun = events.get(timeout=STARTING)
        assert (begun["what"], begun["connections"], len(begun["processes"])) == ("begun", 1, 4)
        for name, client in clients.items():
            client.send(f"darn {name}")
            assert client.recv(STARTING) == f"said: d*** {name}"
        steps = [events.get(timeout=STARTING) for _ in range(5)]
        assert [(each["what"], each.get("filter") or each.get("payload")) for each in steps] == [
            ("received", "darn ann"),
            ("filter", "steered.Polite"),
            ("subscribe", None),
            ("sent", "said: d*** ann"),
            ("filter", "steered.Join"),
        ]
        assert steps[1]["gives"] == "d*** ann"
        assert {(each["id"], each["process"]) for each in steps} == {(row["id"], row["process"])}
        channel = json.loads(admin(asked, "--json", "channels", "news"))["channels"][0]
        assert channel["subscribers"] == len(clients)
        assert admin(asked, "kick", "--user", "ann", "--code", "4001", "--reason", "bye") == "1 ended\n"
        with pytest.raises(ConnectionClosed) as closed:
            clients["ann"].recv(STARTING)
        assert closed.value.rcvd is not None
        assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4001, "bye")
        assert [events.get(timeout=STARTING)["what"] for _ in range(2)] == ["close", "closed"]
        clients["bob"].send("still here")
        assert clients["bob"].recv(STARTING) == "said: still here"
    finally:
        trace.send_signal(signal.SIGINT)
        assert trace.wait(STARTING) == 130
        joined(reader)
        trace.stdout.close()


def test_one_user_is_found_traced_and_ended_from_the_dashboard(
    servers: list[FwsServer], clients: dict[str, ClientConnection], tmp_path: Path
) -> None:
    until_all_answer(servers[1])
    with Browser(tmp_path) as browser:
        page = browser.open("about:blank")
        # What a reader types into the browser's own window.
        secret = base64.b64encode(f"admin:{SECRET}".encode()).decode()
        browser.ask("Network.enable", page.session)
        browser.ask("Network.setExtraHTTPHeaders", page.session, headers={"Authorization": f"Basic {secret}"})
        browser.ask("Page.navigate", page.session, url=f"http://127.0.0.1:{servers[1].port}/dashboard")
        rows = "[...document.querySelectorAll('#connections tbody tr')].map((each) => each.firstChild.textContent)"
        page.until(f"{rows}.length >= 6 && document.getElementById('unsteerable').hidden")
        page.until("document.querySelector('#process option')?.textContent === 'all 4 processes'")
        page.run("document.getElementById('search').value = 'ann'")
        page.run("document.getElementById('search').dispatchEvent(new Event('input'))")
        assert page.until(f"{rows}.length === 1 && {rows}[0]") == "ann"
        button = "[...document.querySelectorAll('#connections tbody button')].find((each) => each.textContent === '%s')"
        page.run(f"{button % 'trace'}.click()")
        told = "[...document.querySelectorAll('#trace li')].map((each) => each.textContent)"
        page.until(f"{told}.some((each) => each.startsWith('tracing 1 connection on 4 processes'))")
        clients["ann"].send("darn <b>&")
        assert clients["ann"].recv(STARTING) == "said: d*** <b>&"
        steps = page.until(f"{told}.length >= 6 && {told}")[1:6]
        for step, shown in zip(
            steps,
            (
                "received darn <b>&",
                "message | steered.Polite",
                "subscribe news",
                "sent said: d*** <b>&",
                "| steered.Join",
            ),
            strict=True,
        ):
            assert shown in step
        page.run(f"{button % 'kick'}.click()")
        assert clients["ann"].protocol.state.name == "OPEN", "the first press only asks"
        page.run(f"{button % 'sure?'}.click()")
        with pytest.raises(ConnectionClosed) as closed:
            clients["ann"].recv(STARTING)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.reason == "by an operator"
        page.until("document.getElementById('steered').textContent === '1 connection of ann ended'")
        page.until(f"{told}.some((each) => each.includes('closed'))")
        clients["bob"].send("still here")
        assert clients["bob"].recv(STARTING) == "said: still here"


def test_a_process_that_hangs_is_named_and_the_others_answer(
    servers: list[FwsServer], clients: dict[str, ClientConnection]
) -> None:
    found = until_all_answer(servers[0])
    (row,) = listed(servers[0], "--user", "bob")["connections"]
    pid = int(row["process"].rpartition("/")[2])
    os.kill(pid, signal.SIGSTOP)
    try:
        # Bob's worker, of the second node; the first is asked.
        answer = listed(servers[0])
        assert answer["unanswered"] == [row["process"]]
        assert len(answer["processes"]) == 3
        assert "did not answer in time" in admin(servers[0], "kick", row["id"], code=1)
    finally:
        os.kill(pid, signal.SIGCONT)
    assert found["total"] >= len(clients)

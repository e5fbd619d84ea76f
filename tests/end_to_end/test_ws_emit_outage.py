"""Redis restarted under load: programs emit without a pause, as if nothing were; stock clients see what comes of it."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.fws_server import FwsServer
from tests.support.http_client import ask
from tests.support.lines import TESTS
from tests.support.outage import ready, started
from tests.support.raw_client import DEADLINE, wait_until
from tests.support.redis_server import RedisServer
from tests.support.socketio_clients import Client, python_path

EMITTERS = {
    "manager": ("socketio",),
    "flask": ("socketio-5.13.0", "socketio"),
}
"""Programs that emit, and their packages: the newest JSON, and Flask-SocketIO with pickles."""
CLIENTS = [("js-4", "default"), ("js-3", "polling"), ("js-4", "websocket"), ("python", "default")]


class Emitter(threading.Thread):
    """A program that emits the numbers from 1 on.

    :ivar emitted: the last number that it has emitted
    """

    def __init__(self, kind: str, url: str) -> None:
        super().__init__(daemon=True)
        self.emitted = 0
        self._process = subprocess.Popen(
            [sys.executable, str(TESTS / "python" / "socketio_load.py"), kind, url],
            env=os.environ | python_path(*EMITTERS[kind]),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # that Redis is away
            text=True,
        )
        self.start()

    def run(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.emitted = int(line)

    def wait_for(self, number: int) -> None:
        wait_until(lambda: self.emitted >= number)

    def stop(self) -> None:
        """It has ended, and `emitted` is true to the last."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        assert self._process.wait(DEADLINE) == 0
        self.join(DEADLINE)
        self._process.stdout.close()


class Watch(threading.Thread):
    """Asks a node again and again whether it is ready, and notes each change of the answer."""

    def __init__(self, node: FwsServer) -> None:
        super().__init__(daemon=True)
        self.said: list[int] = []
        self._node, self._stopping = node, threading.Event()
        self.start()

    def run(self) -> None:
        while not self._stopping.wait(0.01):
            status, _ = ready(self._node)
            if self.said[-1:] != [status]:
                self.said.append(status)

    def stop(self) -> None:
        self._stopping.set()
        self.join(DEADLINE)


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    with RedisServer(tmp_path / "redis", tcp=True) as running:
        yield running


@pytest.fixture
def nodes(tmp_path: Path, redis: RedisServer) -> Iterator[list[FwsServer]]:
    options = ["-f", "filtered_websocket.filters.ws_emit", "--storage", "redis", "--redis_url", redis.url]
    options += ["--ws_emit_secret", "123", "--ws_emit_pickle", "--redis_heartbeat", "0.1"]
    with started(tmp_path, "", one=options, other=options) as running:
        yield running


def received(client: Client, wanted: dict[str, set[int]]) -> dict[str, list[int]]:
    """The numbers of each emitter that a client received before the event "last"; python-socketio's client, which
    handles each in a thread of its own, may tell some of those wanted behind it."""
    numbers: dict[str, list[int]] = {kind: [] for kind in EMITTERS}
    more = True
    while more or not all(wanted[kind] <= set(numbers[kind]) for kind in EMITTERS):
        event, *arguments = client.event()
        more = more and event != "last"
        if event in numbers:
            numbers[event] += arguments
    return numbers


def emit(node: FwsServer, event: str) -> int:
    """POST /emit; the status."""
    headers = {"Content-Type": "application/json"}
    return ask(("127.0.0.1", node.port), "POST", "/emit", {"secret": "123", "event": event}, headers).status


def restart(redis: RedisServer, nodes: Sequence[FwsServer], emitters: Iterable[Emitter]) -> None:
    redis.kill()
    for node in nodes:
        wait_until(lambda node=node: ready(node)[0] == 503)
    assert emit(nodes[0], "refused") == 503
    for each in emitters:
        each.wait_for(each.emitted + 50)  # none is there to hear them
    redis.start()
    for node in nodes:
        wait_until(lambda node=node: ready(node)[0] == 200)


def test_emissions_resume_by_themselves_when_redis_is_restarted_under_load(
    redis: RedisServer, nodes: list[FwsServer]
) -> None:
    with ExitStack() as stack:
        clients = [
            stack.enter_context(Client(kind, f"http://127.0.0.1:{nodes[index % 2].port}", transports))
            for index, (kind, transports) in enumerate(CLIENTS)
        ]
        for client in clients:
            client.wait("connect")
        emitters = {kind: Emitter(kind, f"redis://127.0.0.1:{redis.port}/0") for kind in EMITTERS}
        for each in emitters.values():
            each.wait_for(100)
        watches = [Watch(node) for node in nodes]
        for watch in watches:
            wait_until(lambda watch=watch: watch.said == [200])
        before = {kind: each.emitted for kind, each in emitters.items()}

        restart(redis, nodes, emitters.values())

        after = {kind: each.emitted for kind, each in emitters.items()}
        for kind, each in emitters.items():
            each.wait_for(after[kind] + 200)
            each.stop()
        assert emit(nodes[0], "last") == 200
        # The first one after it may have been given up while Redis was away.
        wanted = {kind: set(range(after[kind] + 2, each.emitted + 1)) for kind, each in emitters.items()}
        for client in clients:
            for kind, numbers in received(client, wanted).items():
                assert len(set(numbers)) == len(numbers), "twice"
                # The last one before it may have been on its way through Redis.
                assert set(range(numbers[0], before[kind])) <= set(numbers)
        for watch in watches:
            watch.stop()
            assert watch.said == [200, 503, 200]

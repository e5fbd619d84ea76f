"""Nodes on one Redis under load while that is killed or frozen, and comes back: what happened, written down."""

import http.client
import os
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from textwrap import dedent
from typing import Any

from tests.support.fws_server import FwsServer
from tests.support.raw_client import DEADLINE, PING, PONG, TEXT, Frame, RawClient, close_of, frame, wait_until
from tests.support.redis_server import RedisServer

SECONDS = float(os.environ.get("OUTAGE_SECONDS", "4"))
"""How long Redis is away: longer than heartbeats take to be missed, and than reconnecting takes to reach its longest
pause. `OUTAGE_SECONDS=10 pytest tests/end_to_end/test_redis.py` for as long as it likes."""

FILTERS = """
    from filtered_websocket.filters.base import WebSocketMessageFilter
    from filtered_websocket.storage_objects.base import StorageAway

    class Says(WebSocketMessageFilter):
        @classmethod
        async def filter(cls, connection, data):
            verb, channel, text = data.decode().split(" ", 2)
            if verb == "subscribe":
                await connection.subscribe(channel)
                connection.sendMessage("subscribed " + channel)
            elif verb == "publish":
                try:
                    await connection.publish(channel, f"{channel} {text}")
                except StorageAway as away:
                    connection.sendMessage(f"refused {text} {away}")
                else:
                    connection.sendMessage(f"published {text}")
            elif verb == "uncaught":
                await connection.publish(channel, f"{channel} {text}")
            elif verb == "ignored":
                connection.publish(channel, f"{channel} {text}")
"""

CHANNELS = [f"many-{number}" for number in range(200)]


class Reader(threading.Thread):
    """Reads what a client receives, as pairs of channel and text."""

    def __init__(self, client: RawClient, channels: list[str]) -> None:
        super().__init__(daemon=True)
        for channel in channels:
            client.send(f"subscribe {channel} -")
        for channel in channels:
            assert client.text() == f"subscribed {channel}"
        self.received: list[tuple[str, str]] = []
        self.failure: BaseException | None = None
        self._client = client
        self._news = threading.Condition()
        self.start()

    def run(self) -> None:
        try:
            while (got := self._client.receive()) is not None:
                assert got.opcode == TEXT, got
                channel, _, text = got.payload.decode().partition(" ")
                with self._news:
                    self.received.append((channel, text))
                    self._news.notify_all()
        except (OSError, AssertionError) as error:
            self.failure = error

    def of(self, channel: str) -> list[str]:
        with self._news:
            return [text for name, text in self.received if name == channel]

    def wait_for(self, predicate: Callable[[], Any]) -> None:
        with self._news:
            assert self._news.wait_for(predicate, DEADLINE), (self.failure, Counter(name for name, _ in self.received))


class Writer(threading.Thread):
    """Publishes numbers to a channel, one after the other, until it is stopped; what was confirmed and what not."""

    def __init__(self, client: RawClient, channel: str) -> None:
        super().__init__(daemon=True)
        self.channel = channel
        self.confirmed: list[str] = []
        self.refused: dict[str, str] = {}
        self._client = client
        self._stopping = threading.Event()
        self.start()

    def run(self) -> None:
        number = 0
        while not self._stopping.is_set():
            number += 1
            self._client.send(f"publish {self.channel} {number}")
            outcome, told, *why = self._client.text().split(" ", 2)
            assert told == str(number)
            if outcome == "published":
                self.confirmed.append(told)
            else:
                self.refused[told] = why[0]
                self._stopping.wait(0.005)  # a client that is refused does not try as fast as it can

    def stop(self) -> None:
        self._stopping.set()
        self.join(DEADLINE)


class Outage:
    """It all happens when it is made.

    :param kind: ``killed`` or ``frozen``
    """

    def __init__(self, kind: str, folder: Path) -> None:
        self.kind = kind
        with RedisServer(folder / "redis", durable=True) as redis:
            rules = '{"kept-*": {"history": 100000}}'
            arguments = ("-f", "my_filters", *on(redis), "--channels", rules)
            arguments += ("--max_channels", "1000", "--ping_interval", "0")
            queueing = (*arguments, "--redis_queue", "100")
            with started(folder, FILTERS, a=arguments, b=arguments, q=queueing) as nodes:
                try:
                    self._run(redis, *nodes)
                finally:
                    redis.thaw()
        self.logs = [node.log for node in nodes]

    def _run(self, redis: RedisServer, a: FwsServer, b: FwsServer, q: FwsServer) -> None:
        watched = ["kept-a", "kept-b", "kept-q", "plain"]
        self.readers = [Reader(node.open(), watched) for node in (a, b)]
        crowd = Reader(b.open(), CHANNELS)
        self.writers = [Writer(a.open(), "kept-a"), Writer(b.open(), "kept-b")]
        asker, queueing = a.open(), q.open()
        asker.send("publish kept-q first")
        assert asker.text() == "published first"
        for writer in self.writers:
            wait_until(lambda writer=writer: len(writer.confirmed) >= 200)

        began = time.monotonic()
        redis.kill() if self.kind == "killed" else redis.freeze()
        for node in (a, b, q):
            wait_until(lambda node=node: ready(node)[0] == 503)
        self.not_ready_after = time.monotonic() - began
        self.reason = ready(a)[1]
        asker.send("publish plain refused")
        self.refused = asker.text()
        asker.send("publish plain again")
        self.refused_again = asker.text()
        victim = a.open()
        victim.send("uncaught plain anything")
        closing = victim.receive()
        assert closing is not None
        self.closed_with = close_of(closing)
        for number in range(50):
            queueing.send(f"ignored kept-q {number}")
        # There is room for 100.
        queueing.send("publish kept-q awaited")
        threading.Event().wait(max(0.0, began + SECONDS - time.monotonic()))

        redis.start() if self.kind == "killed" else redis.thaw()
        back = time.monotonic()
        live: set[str] = set()
        while missing := [channel for channel in CHANNELS if channel not in live]:
            assert time.monotonic() - back < DEADLINE, f"never live again: {missing}"
            asker.send(*(f"publish {channel} live" for channel in missing))
            for _ in missing:
                asker.text()
            live = {channel for channel, _ in crowd.received}
        self.live_after = time.monotonic() - back
        self.queue_answer = queueing.text()
        seen = [len(writer.confirmed) for writer in self.writers]
        for writer, count in zip(self.writers, seen, strict=True):
            wait_until(lambda writer=writer, count=count: len(writer.confirmed) >= count + 200)
            writer.stop()
        for channel in watched:
            asker.send(f"publish {channel} end")
            assert asker.text() == "published end"
        for reader in self.readers:
            reader.wait_for(lambda reader=reader: sum(text == "end" for _, text in reader.received) == len(watched))
        self.all_ready = [ready(node)[0] for node in (a, b, q)]
        self.metrics = get(b, "/metrics")[1]
        for node in (a, b, q):
            node.drop_clients()

    def gaps(self) -> int:
        """Gaps that node b has counted."""
        lines = [line for line in self.metrics.splitlines() if re.match(r"\w+\{.*lost while the storage object", line)]
        return int(float(lines[0].rpartition(" ")[2])) if lines else 0


def settled(client: RawClient) -> RawClient:
    """Its connect chain has ended: what it subscribes to is confirmed. Until then no ping of its is read."""
    client.send(frame(b"", PING))
    assert client.receive() == Frame(PONG, b"")
    return client


def on(redis: RedisServer) -> tuple[str, ...]:
    return ("--storage", "redis", "--redis_url", redis.url)


@contextmanager
def started(folder: Path, module: str, **nodes: Sequence[str]) -> Iterator[list[FwsServer]]:
    """Servers, each in a folder of its own with this filter module, starting side by side."""
    with ExitStack() as running, ThreadPoolExecutor() as starting:

        def start(name: str) -> FwsServer:
            (folder / name).mkdir()
            (folder / name / "my_filters.py").write_text(dedent(module))
            return running.enter_context(FwsServer(*nodes[name], cwd=folder / name))

        yield list(starting.map(start, nodes))


def get(node: FwsServer, path: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", node.port, timeout=DEADLINE)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def ready(node: FwsServer) -> tuple[int, str]:
    return get(node, "/health/ready")

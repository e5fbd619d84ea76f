"""Redis is killed or frozen under Centrifugo's own clients: nobody is told a lie, what was confirmed arrives."""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.support.centrifugo_clients import KEY, NAMESPACES, OPTIONS, Client
from tests.support.channel_servers import running
from tests.support.fws_server import FwsServer
from tests.support.outage import ready
from tests.support.raw_client import DEADLINE, wait_until
from tests.support.redis_server import RedisServer

KINDS = ("js websocket protobuf", "python json", "js http_stream json", "js sse json")
CHANNEL, STRIDE, END = "kept:news", 1_000_000, 0


class Writer(threading.Thread):
    """Publishes numbers by a node's API, one after the other, until it is stopped.

    :ivar confirmed: the numbers that were answered with a position
    :ivar refused: how many were not
    """

    def __init__(self, node: FwsServer, first: int) -> None:
        super().__init__(daemon=True)
        self.confirmed: list[int] = []
        self.refused = 0
        self._port, self._number = node.port, first
        self._stopping = threading.Event()
        self.start()

    def run(self) -> None:
        while not self._stopping.wait(0.02):
            if self.publish(self._number):
                self.confirmed.append(self._number)
            else:
                self.refused += 1
            self._number += 1

    def publish(self, number: int) -> bool:
        connection = HTTPConnection("127.0.0.1", self._port, timeout=DEADLINE)
        try:
            body = json.dumps({"channel": CHANNEL, "data": number})
            connection.request("POST", "/api/publish", body, {"X-API-Key": KEY})
            return "result" in json.loads(connection.getresponse().read())
        finally:
            connection.close()

    def stop(self) -> None:
        self._stopping.set()
        self.join(DEADLINE)


class Site:
    """Two nodes on one Redis, with a client of each kind."""

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        self.redis = stack.enter_context(RedisServer(folder / "redis", durable=True))
        options = OPTIONS | {"storage": "redis", "redis_url": self.redis.url, "redis_heartbeat": 0.2}
        options["centrifugo_namespaces"] = [
            each | {"history_size": 10000} for each in NAMESPACES if each["name"] == "kept"
        ]
        with ThreadPoolExecutor() as starting:

            def begin(number: int) -> FwsServer:
                (folder / str(number)).mkdir()
                return stack.enter_context(running(folder / str(number), **options))

            self.nodes = list(starting.map(begin, range(2)))
            places = [(self.nodes[n % 2], kind, f"user {n}") for n, kind in enumerate(KINDS)]
            self.clients = list(starting.map(lambda place: stack.enter_context(Client(*place)), places))
        for client in self.clients:
            client.subscribe(CHANNEL)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with ExitStack() as stack:
        yield Site(stack, tmp_path_factory.mktemp("site"))


@pytest.mark.parametrize("kind", ["killed", "frozen"])
def test_what_publish_confirmed_arrives_once_and_in_order_and_all_recover(site: Site, kind: str) -> None:
    redis, nodes, clients = site.redis, site.nodes, site.clients
    writers = [Writer(node, STRIDE * n) for n, node in enumerate(nodes, 1)]
    for writer in writers:
        wait_until(lambda writer=writer: len(writer.confirmed) >= 10)

    redis.kill() if kind == "killed" else redis.freeze()
    for node in nodes:
        wait_until(lambda node=node: ready(node)[0] == 503)
    before = [writer.refused for writer in writers]
    # Each is refused, and told so; some lose their connection, and one comes anew, while Redis is away.
    for client in clients:
        assert client.call("publish", CHANNEL, "refused") == 100
        assert client.call("history", CHANNEL, {"limit": 1}) == 100
    for client in clients[::2]:
        client.do("cut")
    with Client(nodes[0], KINDS[0], "comes") as comes:
        comes.do("subscribe", CHANNEL)
        for writer, count in zip(writers, before, strict=True):
            wait_until(lambda writer=writer, count=count: writer.refused >= count + 20)

        redis.start() if kind == "killed" else redis.thaw()
        comes.wait("subscribed", channel=CHANNEL)
    seen = [len(writer.confirmed) for writer in writers]
    for writer, count in zip(writers, seen, strict=True):
        wait_until(lambda writer=writer, count=count: len(writer.confirmed) >= count + 10)
        writer.stop()
    # The last one says that all before has come.
    assert writers[0].publish(END)
    confirmed = {number for writer in writers for number in writer.confirmed}
    for client in clients:
        got = client.data(CHANNEL)
        while got[-1] != END:
            got += client.data(CHANNEL)
        assert len(set(got)) == len(got)
        # What was not confirmed may have come, too.
        assert confirmed <= set(got), sorted(confirmed - set(got))
        for first in (STRIDE, 2 * STRIDE):
            of_one = [number for number in got if first <= number < first + STRIDE]
            assert of_one == sorted(of_one)
        assert client.heard("disconnected") == []
        assert all(back["recovered"] for back in client.heard("subscribed"))

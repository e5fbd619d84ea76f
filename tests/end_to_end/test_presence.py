"""The list of members, by real servers on every storage object: clients come and go, and each keeps its list."""

import signal
from pathlib import Path
from random import Random

import pytest

from tests.filters.presence.clients import PRESENCE, Watcher
from tests.support.fws_server import FwsServer, Start
from tests.support.raw_client import RawClient
from tests.support.redis_server import RedisServer

NAMED = """
    from filtered_websocket.filters.base import WebSocketHandshakeFilter

    class Named(WebSocketHandshakeFilter):
        @classmethod
        def filter(cls, web_socket_instance, data):
            web_socket_instance.user = data.params.get("user", [None])[0]
"""


class Page(Watcher):
    """A client with a name."""

    def __init__(self, server: FwsServer, user: str) -> None:
        super().__init__()
        self.user = user
        self.client: RawClient = server.open(f"/?user={user}")

    def next(self) -> tuple[str, list[str]]:
        message = self.hear(self.client.text())
        return message["presence"], message["users"]

    def listen_until(self, *users: str) -> None:
        """Until these are here, and no others."""
        while self.users is None or sorted(self.users) != sorted(users):
            self.next()


@pytest.mark.parametrize("storage", ["memory", "sqlite", "redis"])
def test_each_keeps_its_list_while_others_come_and_go(
    fws_server: Start, tmp_path: Path, storage: str, request: pytest.FixtureRequest
) -> None:
    more: list[str] = []
    if storage == "sqlite":
        more = ["--sqlite_file", str(tmp_path / "storage.sqlite")]
    if storage == "redis":
        redis: RedisServer = request.getfixturevalue("redis_server")
        redis.ask("FLUSHALL")
        more = ["--redis_url", redis.url, "--lease_seconds", "60"]
    given = ("-f", "my_filters", PRESENCE, "--storage", storage, *more)
    servers = [fws_server(*given, module=NAMED) for _ in range(2 if storage == "redis" else 1)]
    random = Random(storage)
    pages = [Page(server, "always") for server in servers]
    guests: list[Page] = []
    for _ in range(60):
        if guests and random.random() < 0.5:
            leaving = guests.pop(random.randrange(len(guests)))
            (leaving.client.reset if random.random() < 0.5 else leaving.client.quit)()
        else:
            guests.append(Page(random.choice(servers), f"user {random.randrange(6)}".replace(" ", "%20")))
    end = Page(servers[0], "end")
    here = {"always", "end", *(guest.user.replace("%20", " ") for guest in guests)}
    there = [*pages, *guests, end]
    for page in there:
        page.listen_until(*here)
    for page in there:
        page.client.reset()


def test_of_a_node_that_dies_each_user_leaves_once_and_of_one_that_was_cut_off_all_are_back(
    fws_server: Start, redis_server: RedisServer
) -> None:
    redis_server.ask("FLUSHALL")
    given = (
        "-f", "my_filters", PRESENCE, "--storage", "redis", "--redis_url", redis_server.url,
        "--lease_seconds", "1.5", "--redis_heartbeat", "0.3", "--ping_interval", "0",
    )  # fmt: skip
    a, b, c = (fws_server(*given, module=NAMED) for _ in range(3))
    watcher = Page(a, "watcher")
    for server, user in ((b, "bob"), (b, "eve"), (c, "eve"), (c, "dan")):
        Page(server, user)
    watcher.listen_until("watcher", "bob", "eve", "dan")
    b.signal(signal.SIGKILL)
    watcher.listen_until("watcher", "eve", "dan")
    c.signal(signal.SIGSTOP)
    watcher.listen_until("watcher")
    c.signal(signal.SIGCONT)
    watcher.listen_until("watcher", "eve", "dan")

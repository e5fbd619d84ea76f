"""Servers with one storage object, and clients that come to them by a network which is not to be relied on."""

import signal
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.support.fws_server import FwsServer
from tests.support.http_client import ask
from tests.support.raw_client import wait_until
from tests.support.redis_server import RedisServer
from tests.support.socketio_clients import Returning
from tests.support.unreliable_proxy import UnreliableProxy


class Site:
    """
    :param storage: memory, sqlite or redis
    :param options: of its servers
    :param files: modules beside each server
    :ivar server: the one to which clients come
    :ivar redis: where storage is one
    """

    def __init__(
        self, stack: ExitStack, folder: Path, storage: str, *options: str, files: Mapping[str, str] | None = None
    ) -> None:
        self._stack, self._folder, self._files = stack, folder, files or {}
        self.options = list(options)
        self.redis: RedisServer | None = None
        if storage == "sqlite":
            self.options += ["--storage", "sqlite", "--sqlite_file", str(folder / "storage.sqlite")]
        elif storage == "redis":
            self.redis = stack.enter_context(RedisServer(folder / "redis", durable=True, tcp=True))
            self.options += ["--storage", "redis", "--redis_url", self.redis.url]
        self._servers = 0
        self.server = self.start()
        self.proxy = stack.enter_context(UnreliableProxy(self.server.port))

    def start(self, *options: str) -> FwsServer:
        """One more server."""
        self._servers += 1
        folder = self._folder / f"server-{self._servers}"
        folder.mkdir()
        for name, text in self._files.items():
            (folder / name).write_text(text)
        return self._stack.enter_context(FwsServer(*self.options, *options, cwd=folder))

    def replace(self, number: signal.Signals) -> None:
        """End the server with a signal, and start another one."""
        self.server.signal(number)
        self.server.wait()
        self.server = self.start()
        self.proxy.target = self.server.port

    def client(self, transports: str = "websocket", namespace: str = "", **options: Any) -> Returning:
        url = f"http://127.0.0.1:{self.proxy.port}{namespace}"
        return self._stack.enter_context(Returning(url, transports, **options))

    def direct(self, namespace: str = "") -> Returning:
        """A client past the network."""
        return Returning(f"http://127.0.0.1:{self.server.port}{namespace}", "websocket")

    def lose(self, *clients: Returning, silently: bool = False) -> None:
        """The network fails; silently: the server does not notice."""
        (self.proxy.lose if silently else self.proxy.cut)()
        for client in clients:
            client.wait("disconnect")

    def comes_back(self, client: Returning) -> bool:
        """The network is there again; whether a client's session goes on."""
        self.proxy.mend()
        return client.comes_back()

    def emit(self, event: str, room: Any = "a", server: FwsServer | None = None, **body: Any) -> None:
        port = (server or self.server).port
        values = {"secret": "123", "event": event, "room": room} | body
        answer = ask(("127.0.0.1", port), "POST", "/emit", values, {"Content-Type": "application/json"})
        assert answer.status == 200, answer

    def emit_when_ready(self, event: str, room: Any = "a") -> None:
        """The same as soon as the storage object takes it."""
        values = {"secret": "123", "event": event, "room": room}
        at, headers = ("127.0.0.1", self.server.port), {"Content-Type": "application/json"}
        wait_until(lambda: ask(at, "POST", "/emit", values, headers).status == 200)

    def counted(self, what: str) -> int:
        """What the server has counted of a kind."""
        metrics = ask(("127.0.0.1", self.server.port), "GET", "/metrics").body.decode()
        return sum(int(float(line.rpartition(" ")[2])) for line in metrics.splitlines() if what in line)

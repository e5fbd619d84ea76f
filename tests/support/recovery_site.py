"""Servers with one storage object, and clients that come to them by a network which is not to be relied on."""

import signal
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.fws_server import FwsServer
from tests.support.http_client import ask
from tests.support.raw_client import wait_until
from tests.support.redis_server import RedisServer
from tests.support.socketio_clients import Returning
from tests.support.unreliable_proxy import UnreliableProxy


@dataclass
class Return:
    """True if a client's session goes on.

    :ivar counted: where it does not, what the servers say of those that came back, by reasons: a failing test shows it
    """

    recovered: bool
    counted: list[str]

    def __bool__(self) -> bool:
        return self.recovered


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
        self._servers: list[FwsServer] = []
        # Whenever one is started, it ends after the clients.
        self._running = stack.enter_context(ExitStack())
        self.server = self.start()
        self.proxy = stack.enter_context(UnreliableProxy(self.server.port))

    def start(self, *options: str) -> FwsServer:
        """One more server."""
        folder = self._folder / f"server-{len(self._servers) + 1}"
        folder.mkdir()
        for name, text in self._files.items():
            (folder / name).write_text(text)
        server = self._running.enter_context(FwsServer(*self.options, *options, cwd=folder))
        self._servers.append(server)
        return server

    def replace(self, number: signal.Signals) -> None:
        """End the server with a signal, and start another one."""
        self.server.signal(number)
        self.server.wait()
        self.server = self.start()
        self.proxy.target = self.server.port

    def client(self, transports: str = "websocket", namespace: str = "", **options: Any) -> Returning:
        url = f"http://127.0.0.1:{self.proxy.port}{namespace}"
        return self._stack.enter_context(Returning(url, transports, **options))

    def direct(self, namespace: str = "", server: FwsServer | None = None) -> Returning:
        """A client past the network."""
        return Returning(f"http://127.0.0.1:{(server or self.server).port}{namespace}", "websocket")

    def lose(self, *clients: Returning, silently: bool = False) -> None:
        """The network fails; silently: the server does not notice."""
        (self.proxy.lose if silently else self.proxy.cut)()
        for client in clients:
            client.wait("disconnect")

    def comes_back(self, client: Returning) -> Return:
        """The network is there again; whether a client's session goes on."""
        self.proxy.mend()
        recovered = client.comes_back()
        running = [each for each in self._servers if each.process.poll() is None]
        counted = [] if recovered else [line for each in running for line in self._metrics("recovered", each)]
        return Return(recovered, counted)

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
        return sum(int(float(line.rpartition(" ")[2])) for line in self._metrics(what, self.server))

    def wait_empty(self) -> None:
        """Wait until the server has heard that its clients have left: what one says last may come after what it says by
        its next connection."""
        wait_until(lambda: self.counted("fws_connections{") == 0)

    @staticmethod
    def _metrics(what: str, server: FwsServer) -> list[str]:
        metrics = ask(("127.0.0.1", server.port), "GET", "/metrics").body.decode()
        return [line for line in metrics.splitlines() if what in line and not line.startswith("#")]

"""A node: one `fws_server`, or one with workers, that is killed, stopped, frozen, reloaded, and started again."""

import http.client
import os
import signal
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from tests.chaos import served
from tests.support.fws_server import STARTING, FwsServer
from tests.support.http_client import ask
from tests.support.ports import WITH_ANOTHER, free_port
from tests.support.unreliable_proxy import UnreliableProxy

LOGGED = 60
"""Lines of the log that are shown where something is found."""


class Node:
    """
    :param workers: 0: one process
    :ivar front: through which clients come
    :ivar faults: what it did that it must not
    :ivar log: the last lines of what it has logged
    """

    def __init__(self, name: str, folder: Path, workers: int = 0, **options: Any) -> None:
        self.name, self.workers = name, workers
        self.faults: list[str] = []
        self.log = ""
        self._port, self._admin = free_port(), free_port(WITH_ANOTHER)
        self._folder = folder / name
        more = {"workers": workers} if workers else {}
        served.write(self._folder, port=self._port, host="127.0.0.1", admin_port=self._admin, **more, **options)
        self.front = UnreliableProxy(self._port)
        self._server: FwsServer | None = None
        self._losses: dict[tuple[int, float], int] = {}

    @property
    def server(self) -> FwsServer:
        assert self._server is not None, f"{self.name} does not run"
        return self._server

    def start(self) -> None:
        self._server = FwsServer("-c", "config.json", "-p", str(self._port), cwd=self._folder)

    def end(self, how: signal.Signals) -> None:
        """End it, by SIGKILL or by SIGTERM."""
        server, self._server = self.server, None
        if (code := server.process.poll()) is not None:
            self.faults.append(f"{self.name} has ended by itself, with {code}")
        elif how == signal.SIGKILL:
            for pid in (*self.children(server), server.process.pid):
                os.kill(pid, signal.SIGKILL)
        else:
            server.signal(how)
            code = server.process.wait(STARTING)
            if code:
                self.faults.append(f"{self.name} ended with {code}")
        self._close(server)

    def children(self, server: FwsServer | None = None) -> list[int]:
        """Its workers."""
        pid = (server or self.server).process.pid
        return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def processes(self) -> list[int]:
        """All of it that serve clients."""
        return (self.children() if self.workers else []) or [self.server.process.pid or 0]

    def losses(self) -> int:
        """What it has counted of losses, in all its lives, as far as it was asked."""
        for port in range(self._admin, self._admin + max(1, self.workers)):
            try:
                answer = ask(
                    ("127.0.0.1", port), "GET", "/metrics", headers={"Authorization": f"Bearer {served.SECRET}"}
                )
            except (OSError, http.client.HTTPException):
                continue
            if answer.status != 200:
                continue  # it is starting, or ending
            life, dropped = 0.0, 0
            for family in text_string_to_metric_families(answer.body.decode()):
                if family.name == "process_start_time_seconds":
                    life = family.samples[0].value
                elif family.name == "fws_dropped":
                    dropped = sum(int(sample.value) for sample in family.samples if sample.name.endswith("_total"))
            self._losses[port, life] = dropped
        return sum(self._losses.values())

    def is_ready(self) -> bool:
        for port in range(self._admin, self._admin + max(1, self.workers)):
            try:
                if ask(("127.0.0.1", port), "GET", "/health/ready").status != 200:
                    return False
            except (OSError, http.client.HTTPException):
                return False
        return True

    def _close(self, server: FwsServer) -> None:
        server.__exit__(None, None, None)
        self.log = "".join((self.log + server.log).splitlines(keepends=True)[-LOGGED:])
        self.faults += [f"{self.name}: {line}" for line in server.log.splitlines() if line.startswith("Traceback")]
        if "Traceback" in server.log:
            self.faults.append(server.log[server.log.index("Traceback") :][:3000])

    def close(self) -> None:
        if self._server is not None:
            server, self._server = self._server, None
            self._close(server)
        self.front.__exit__(None, None, None)

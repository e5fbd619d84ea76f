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

LOST = "fws_dropped_total"
OF_ENDED = ("sent to a closed connection", "sent by a client that has left")
"""What is counted of connections that have ended excuses no loss of those that stay."""
LOGGED = 60
"""Lines of the log that are shown where something is found."""


class Node:
    """
    :param workers: 0: one process
    :ivar front: through which clients come, but for those that come to its port
    :ivar faults: what it did that it must not
    :ivar log: the last lines of what it has logged
    """

    def __init__(self, name: str, folder: Path, workers: int = 0, **options: Any) -> None:
        self.name, self.workers = name, workers
        self.faults: list[str] = []
        self.log = ""
        self.port, self._admin = free_port(), free_port(WITH_ANOTHER)
        self._folder = folder / name
        more = {"workers": workers} if workers else {}
        served.write(self._folder, port=self.port, host="127.0.0.1", admin_port=self._admin, **more, **options)
        self.front = UnreliableProxy(self.port)
        self._server: FwsServer | None = None
        self._losses: dict[tuple[int, float], int] = {}

    @property
    def server(self) -> FwsServer:
        assert self._server is not None, f"{self.name} does not run"
        return self._server

    def start(self) -> None:
        self._server = FwsServer("-c", "config.json", "-p", str(self.port), cwd=self._folder)

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
        for port in self._admin_ports:
            found = self._metrics(port)
            if found:
                self._losses[port, found["process_start_time_seconds"]] = int(found.get(LOST, 0))
        return sum(self._losses.values())

    def connections(self) -> int:
        """How many clients it has, as it says."""
        return sum(int(self._metrics(port).get("fws_connections", 0)) for port in self._admin_ports)

    @property
    def _admin_ports(self) -> range:
        return range(self._admin, self._admin + max(1, self.workers))

    def _metrics(self, port: int) -> dict[str, float]:
        """Each metric, summed over its labels; empty if it is starting, or ending, or not there."""
        try:
            answer = ask(("127.0.0.1", port), "GET", "/metrics", headers={"Authorization": f"Bearer {served.SECRET}"})
        except (OSError, http.client.HTTPException):
            return {}
        found: dict[str, float] = {}
        for family in text_string_to_metric_families(answer.body.decode()) if answer.status == 200 else ():
            for sample in family.samples:
                if sample.labels.get("reason") in OF_ENDED:
                    continue
                found[sample.name] = found.get(sample.name, 0.0) + sample.value
        return found

    def is_ready(self) -> bool:
        for port in self._admin_ports:
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

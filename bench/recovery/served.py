"""The servers of one run: started, killed and started again on the same ports, with their Redis or their file."""

import contextlib
import os
import shutil
import signal
import tempfile
import time
from pathlib import Path

import places
from measure import free_port, running

from recovery.rows import Row


class Served:
    """
    :ivar ports: one for each node
    """

    def __init__(self, row: Row, name: str) -> None:
        self._row, self._name = row, name
        self._folder = Path(tempfile.mkdtemp(prefix="fws-bench-"))
        self._redis_port = free_port() if "redis" in row.needs else 0
        self.ports = [free_port() for _ in range(row.nodes)]
        self._running = [contextlib.ExitStack() for _ in self.ports]
        self._redis = contextlib.ExitStack()
        self._pids: list[list[int]] = [[] for _ in self.ports]
        self._starts = 0

    def __enter__(self) -> "Served":
        try:
            if self._redis_port:
                self.start_redis()
            for node in range(len(self.ports)):
                self.start(node)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for stack in (*self._running, self._redis):
            stack.close()
        shutil.rmtree(self._folder)

    def start(self, node: int) -> float:
        """Start a node; when it was seen to listen, by the monotonic clock."""
        command = self._row.command.format(
            port=self.ports[node],
            redis_port=self._redis_port,
            folder=self._folder,
            peers_python=places.PEERS_PYTHON,
            fws_server=places.fws_server(),
            centrifugo=places.CENTRIFUGO,
        )
        self._starts += 1
        word = "listening on" if "{fws_server}" in self._row.command else ""
        log = f"{self._row.name}-{self._name}-{self._starts}"
        self._pids[node] = self._running[node].enter_context(running(command, self.ports[node], log, word=word))
        return time.monotonic()

    def cpu(self) -> float:
        """Seconds of CPU that the processes of all nodes have used, kernel included."""
        stats = [Path(f"/proc/{pid}/stat").read_text() for pids in self._pids for pid in pids]
        fields = [stat.rpartition(") ")[2].split() for stat in stats]
        return sum(int(each[11]) + int(each[12]) for each in fields) / os.sysconf("SC_CLK_TCK")

    def kill(self, node: int) -> None:
        """SIGKILL, to all processes of a node."""
        self._running[node].close()

    def replace_workers(self) -> None:
        """SIGUSR2: each worker is replaced, the new one first."""
        os.kill(self._pids[0][0], signal.SIGUSR2)

    def start_redis(self) -> None:
        """With all that it had confirmed, if it ran before."""
        port = self._redis_port
        command = (
            f"{places.redis_server()} --bind 127.0.0.1 --port {port} --save '' --appendonly yes --dir {self._folder}"
        )
        self._redis.enter_context(running(command, port, f"redis-{self._row.name}-{self._name}"))

    def kill_redis(self) -> None:
        """SIGKILL."""
        self._redis.close()

"""What a `fws_server` has, when its clients have gone, that it had not when it began; seen from outside.

It costs a look at the process table, and one request, where all is as it was.
"""

import http.client
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.support.ledger.process_table import command, descriptors, family

DEADLINE = 15.0
"""Seconds that what is still ending may take; one that has ended takes none."""
LISTENS = "0A"
EPOLL = "anon_inode:[eventpoll]"
ASK_SECONDS = 5.0
"""How long it may take to answer: one that a test has stopped does not."""
_GAUGES = re.compile(
    r"^(fws_(?:connections|channels|send_buffer_bytes|connections_opening))(\{[^}]*\})? ([\d.e+]+)$", re.MULTILINE
)


class RealServers:
    """The books of all.

    :ivar looks: whether the test that runs, or has just ended, fails for what is left
    """

    looks: Callable[[], bool] = staticmethod(lambda: False)


servers = RealServers()
"""Those that this process has started."""


class RealServer:
    """The books of one process, and of those that it has started.

    :param pid: its process id
    :param port: where it answers over HTTP, without TLS; None: nowhere
    """

    def __init__(self, pid: int, port: int | None) -> None:
        self._pid, self._port = pid, port
        self._before = self._kinds()
        self._sockets = self._inodes()
        self._read_anew = False

    def reloaded(self) -> None:
        """It has read its configuration again: it may have other files and ports now."""
        self._read_anew = True

    def left(self, deadline: float = DEADLINE) -> list[str]:
        """What it has, named, when that has had time to go."""
        end = time.monotonic() + deadline
        while (found := [*self._descriptors(), *self._connections(), *self._gauges()]) and time.monotonic() < end:
            threading.Event().wait(0.01)
        return found

    def outlived(self, family: list[int], deadline: float = DEADLINE) -> list[str]:
        """The processes, of those that it had started, that are there still after its end."""
        end = time.monotonic() + deadline
        while (found := [each for each in family if Path(f"/proc/{each}/exe").exists()]) and time.monotonic() < end:
            threading.Event().wait(0.01)
        return [f"process {each} outlives its server: {command(each)}" for each in found]

    def family(self) -> list[int]:
        return family(self._pid)

    def _kinds(self) -> Counter[str]:
        return Counter(_kind(target) for target in descriptors(self._pid).values())

    def _descriptors(self) -> Iterator[str]:
        if self._read_anew:
            return
        now = self._kinds()
        # Of those that wait to be closed there is one epoll, made when it is first wanted (transport/ends.py).
        before = self._before | Counter({EPOLL: max(self._before[EPOLL], 2)})
        for kind, count in (now - before).items():
            if kind != "socket":
                yield f"{count} descriptors more than at its begin: {kind}"

    def _connections(self) -> Iterator[str]:
        """Sockets that clients have, or had."""
        inodes = self._inodes()
        if inodes <= self._sockets:
            return  # to read the tables costs as much as all else together: the kernel lists the whole machine's
        listed = [line.split() for name in ("tcp", "tcp6") for line in _table(name)]
        own = [row for row in listed if row[9] in inodes]
        ports = {_port(row[1]) for row in own if row[3] == LISTENS}
        for row in own:
            if row[3] != LISTENS and _port(row[1]) in ports:
                yield f"a socket of a client: port {_port(row[1])}, its client's port {_port(row[2])}, state {row[3]}"

    def _inodes(self) -> set[str]:
        """The sockets that it and its processes have; no later one has the same number."""
        processes = (self._pid, *self.family())
        targets = [target for each in processes for target in descriptors(each).values()]
        return {target[8:-1] for target in targets if target.startswith("socket:[")}

    def _gauges(self) -> Iterator[str]:
        if self._port is None:
            return
        client = http.client.HTTPConnection("127.0.0.1", self._port, timeout=ASK_SECONDS)
        try:
            client.request("GET", "/metrics", headers={"Connection": "close"})
            text = client.getresponse().read().decode()
        except (OSError, http.client.HTTPException):
            return  # it refuses all that comes, as its options say
        finally:
            client.close()
        for name, labels, value in _GAUGES.findall(text):
            if float(value):
                yield f"{name}{labels} is {float(value):g}"


def _table(name: str) -> list[str]:
    path = Path(f"/proc/net/{name}")
    return path.read_text().splitlines()[1:] if path.exists() else []


def _port(address: str) -> int:
    return int(address.rpartition(":")[2], 16)


def _kind(target: str) -> str:
    return "socket" if target.startswith("socket:[") else "pipe" if target.startswith("pipe:[") else target

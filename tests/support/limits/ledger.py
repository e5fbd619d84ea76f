"""What an attack on a limit has cost the server at most, and the table of it in docs/security.md."""

import json
import os
import re
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

from tests.support.deadlines import joined
from tests.support.fws_server import FwsServer
from tests.support.raw_client import RawClient, close_frame, wait_until

PAGE = Path(__file__).parents[3] / "docs" / "security.md"
BEGIN, END = "<!-- `make limits` writes what follows. -->\n", "<!-- So far. -->\n"
COLUMNS = ("limit", "over", "the attacker", "counted as", "CPU", "memory", "descriptors", "timers")
HEAD = f"| {' | '.join(COLUMNS)} |\n{'|---' * len(COLUMNS)}|\n"
MIB = 1024 * 1024


class Cost(NamedTuple):
    """
    :ivar cpu: seconds of the processor
    :ivar memory: bytes
    """

    cpu: float = 0.0
    memory: int = 0
    descriptors: int = 0
    timers: int = 0

    def most(self, other: "Cost") -> "Cost":
        return Cost(*map(max, self, other))


class Meter:
    """Measures a server while an attack goes on, from outside but for the timers, which its filter tells a client.

    :param asks: that client; None: one anew each time, where one would have to answer pings
    """

    def __init__(self, server: FwsServer, asks: RawClient | None) -> None:
        self._server, self._asks = server, asks
        self._ended = threading.Event()
        self._peak = self._open = 0
        self.cost = Cost()

    def timers(self) -> int:
        return self._ask()[0]

    def until_counted(self, reason: str, count: int) -> None:
        """Wait until the server has counted a reason so often, such as "refused: origin"."""
        wait_until(lambda: _sum(self._ask()[1], reason) - _sum(self._counted, reason) >= count)

    def _ask(self) -> tuple[int, dict[str, int]]:
        client = self._asks or self._server.open()
        client.send("timers")
        timers, counted = json.loads(client.text())
        if self._asks is None:
            client.send(close_frame())
            client.socket.close()
        return timers, counted

    def descriptors(self) -> int:
        """The server's sockets: it opens another kind once, when it first has to."""
        found = 0
        for each in Path(f"/proc/{self._server.process.pid}/fd").iterdir():
            with suppress(OSError):  # it was closed just now
                found += os.readlink(each).startswith("socket:")
        return found

    def __enter__(self) -> "Meter":
        self._before = self._server.scheduled()[0] / 1e9, self._server.resident(), self.descriptors(), self.timers()
        self._counted = self._ask()[1]
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def _watch(self) -> None:
        while True:
            self._peak = max(self._peak, self._server.resident())
            self._open = max(self._open, self.descriptors())
            if self._ended.wait(0.002):
                return

    def note(self) -> None:
        """Now, while the attackers are there."""
        timers, opened = self.timers() - self._before[3], self.descriptors() - self._before[2]
        self.cost = self.cost.most(Cost(descriptors=max(0, opened), timers=max(0, timers)))

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self._ended.set()
        joined(self._thread)
        cpu, resident, opened, _ = self._before
        self.cost = self.cost.most(
            Cost(self._server.scheduled()[0] / 1e9 - cpu, max(0, self._peak - resident), max(0, self._open - opened))
        )
        if kind is None:
            # What was taken is given back.
            wait_until(lambda: self.descriptors() <= opened)


def _sum(counted: dict[str, int], reason: str) -> int:
    return sum(count for name, count in counted.items() if name.startswith(reason))


def cells(limit: str, over: str, sees: str, counted: str) -> str:
    """The cells of a row that are no figures."""
    return f"| `{limit}` | {over} | {sees} | {f'`{counted}`' if counted else ''} |"


def row(what: str, cost: Cost) -> str:
    figures = f"{cost.cpu * 1000:.0f} ms | {cost.memory / MIB:.1f} MiB | {cost.descriptors} | {cost.timers}"
    return f"{what} {figures} |\n"


def write(rows: list[str]) -> None:
    """Put a table into the page."""
    before, _, rest = PAGE.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n{HEAD}{''.join(rows)}\n{end}{after}")


def rows_of_page() -> list[str]:
    """The cells of each row that stands there, but the figures."""
    text = PAGE.read_text().partition(BEGIN)[2].partition(END)[0]
    return re.findall(r"(?m)^(\| `.*\|) \d+ ms \| \d+\.\d MiB \| \d+ \| \d+ \|$", text)

"""Where visits are made: a server, what is random about them, and what they make it count."""

import itertools
import json
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from random import Random
from typing import Any

from tests.support.fws_server import FwsServer
from tests.support.http_client import Answer, ask
from tests.support.raw_client import PING, PONG, RawClient, frame

LONGEST = 10.0
"""Seconds that a client may stay for: before any protocol's own ping is missed."""
_numbers = itertools.count(1)


class Counts:
    """What visits have made a server count, as they understand it: ``(what, reason)`` -> times."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._expected: Counter[tuple[str, str]] = Counter()

    def expect(self, what: str, reason: str, times: int = 1) -> None:
        with self._lock:
            self._expected[what, reason] += times

    @property
    def expected(self) -> Counter[tuple[str, str]]:
        with self._lock:
            return Counter(self._expected)


class Place:
    """One visitor's view of a server. Its sockets end with its ``with`` block.

    :param rests: seconds that some clients stay for before they go on: waits so long, true if the load ends meanwhile
    """

    def __init__(self, server: FwsServer, random: Random, counts: Counts, rests: Callable[[float], bool]) -> None:
        self.server, self.random, self.counts, self._rests = server, random, counts, rests
        self.address = ("127.0.0.1", server.port)
        self._sockets = ExitStack()
        self.answers: dict[RawClient, Any] = {}

    def __enter__(self) -> "Place":
        return self

    def __exit__(self, *error: Any) -> None:
        self._sockets.close()

    def name(self) -> str:
        """A name that nobody else has had, of a length that all have."""
        return f"{next(_numbers):09}"

    def some(self, count: int = 5) -> str:
        """One of a few names, which others have too."""
        return f"shared{self.random.randrange(count)}"

    def open(self, path: str = "/", headers: Sequence[tuple[str, str]] = ()) -> RawClient:
        return self._sockets.enter_context(RawClient(self.address)).open(path, headers)

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if isinstance(body, (dict, list)):
            named["Content-Type"] = "application/json"
        return ask(self.address, method, path, body, named)

    def stay(self) -> None:
        """A few stay for a while."""
        if self.random.random() < 0.2:
            self._rests(self.random.uniform(1, LONGEST))

    def leave(self, *clients: RawClient) -> None:
        """By the closing handshake, or in one of the ways in which clients get lost."""
        for client in clients:
            # What it said last has been obeyed: what is read behind that is a loss that the server counts.
            client.send(frame(b"", PING))
            while (got := client.receive()) is not None and got.opcode != PONG:
                pass
            way = self.random.choice(("close", "close", "reset", "end", "half"))
            if way == "close":
                client.quit()
            elif way == "reset":
                client.reset()
            elif way == "end":
                client.socket.close()
            else:
                client.send(frame("what is never sent whole")[:9])
                client.reset()


def until(client: RawClient, *wanted: str) -> Any:
    """Read until a message has these words in it; that message, read as JSON where it is."""
    while True:
        text = client.text()
        if all(word in text for word in wanted):
            return json.loads(text) if text[:1] in "{[" else text

"""Publishes numbered messages by HTTP at a steady pace, and notes which of them the server has confirmed."""

import http.client
import json
import threading
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

TIMEOUT = 2.0
"""Seconds until a publication that nobody has confirmed is given up. It may arrive all the same."""


class Confirmed(NamedTuple):
    begun: float
    confirmed: float


class Publisher(threading.Thread):
    """
    :param post: of a publication: path, headers, and the body, whose member named by ``slot`` is the message
    :ivar confirmed: number -> when it was sent and when it was confirmed; numbers ascend in the order of publication
    :ivar failed: why publications were not confirmed, and how often
    """

    def __init__(self, ports: list[int], post: Mapping[str, Any], per_second: float) -> None:
        super().__init__(daemon=True)
        self.confirmed: dict[int, Confirmed] = {}
        self.failed: dict[str, int] = {}
        self._ports, self._post, self._pause = ports, post, 1 / per_second
        self._ended = threading.Event()
        self._connection: http.client.HTTPConnection | None = None

    def run(self) -> None:
        number, due = 0, time.monotonic()
        while not self._ended.wait(max(0.0, due - time.monotonic())):
            due, number = max(due, time.monotonic() - self._pause) + self._pause, number + 1
            begun = time.monotonic()
            try:
                self._send(number)
                self.confirmed[number] = Confirmed(begun, time.monotonic())
            except (OSError, http.client.HTTPException) as error:
                reason = type(error).__name__ if not isinstance(error, _Refused) else str(error)
                self.failed[reason] = self.failed.get(reason, 0) + 1
                self._close()
                self._ports = self._ports[1:] + self._ports[:1]

    def end(self) -> None:
        """Publish no more."""
        self._ended.set()
        self.join()
        self._close()

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _send(self, number: int) -> None:
        if self._connection is None:
            self._connection = http.client.HTTPConnection("127.0.0.1", self._ports[0], timeout=TIMEOUT)
        message = {"n": number, "pad": "x" * 100}
        body = json.dumps({**self._post["body"], self._post["slot"]: message})
        self._connection.request("POST", self._post["path"], body, self._post["headers"])
        answer = self._connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise _Refused(f"HTTP {answer.status}")


class _Refused(http.client.HTTPException):
    """The server has not taken it."""

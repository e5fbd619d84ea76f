"""Clients of the filter `history` that come back by themselves, and a publisher that knows what was confirmed."""

import contextlib
import http.client
import json
import random
import socket
import threading
from types import TracebackType
from typing import Any

from websockets.exceptions import ConnectionClosed, InvalidHandshake

from tests.support.raw_client import DEADLINE, wait_until
from tests.support.websocket_client import ClientConnection, connect

SECRET = "for the publisher"
CHANNEL = "broadcast_messages"
FILTERS = ("-f", "filtered_websocket.filters.history", "filtered_websocket.filters.broadcast_messages")
OPTIONS = (*FILTERS, "--publish_secret", SECRET, "--channels", json.dumps({CHANNEL: {"history": 10_000}}))


class Returning(threading.Thread):
    """One client, in a thread of its own.

    :ivar numbers: what it got, in order
    :ivar answers: the first message of each connection
    :ivar codes: that its connections were closed with
    """

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self.numbers: list[int] = []
        self.answers: list[dict[str, Any]] = []
        self.codes: list[int] = []
        self._port, self._asked = port, ""
        self._leaving = threading.Event()
        self._socket: ClientConnection | None = None

    def run(self) -> None:
        while not self._leaving.is_set():
            try:
                with connect(f"ws://127.0.0.1:{self._port}/{self._asked}") as connection:
                    self._socket = connection
                    for text in connection:
                        self._hear(json.loads(text))
                    self.codes.append(connection.close_code or 1006)
            except (OSError, InvalidHandshake):
                pass  # the server is not there
            except ConnectionClosed as closed:
                self.codes.append(closed.rcvd.code if closed.rcvd else 1006)
            self._leaving.wait(random.uniform(0, 0.2))

    def _hear(self, message: dict[str, Any]) -> None:
        self._asked = f"?since={message['position']}" if message["position"] else ""
        if "data" in message:
            self.numbers.append(int(message["data"]))
        else:
            self.answers.append(message)

    def cut(self) -> None:
        """Lose the connection."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.socket.shutdown(socket.SHUT_RDWR)

    def leave(self) -> None:
        self._leaving.set()
        if self._socket is not None:
            self._socket.close()
        self.join(DEADLINE)


class Publishing(threading.Thread):
    """Publishes 1, 2, ... by HTTP, each after the answer to the one before.

    :ivar confirmed: those that the server has confirmed
    """

    def __init__(self, port: int, pause: float = 0.01) -> None:
        super().__init__(daemon=True)
        self.confirmed: list[int] = []
        self._port, self._pause = port, pause
        self._ending = threading.Event()

    def run(self) -> None:
        number = 0
        while not self._ending.wait(self._pause):
            number += 1
            connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=DEADLINE)
            try:
                body = json.dumps({"channel": CHANNEL, "data": str(number)})
                connection.request("POST", "/publish", body, {"Authorization": f"Bearer {SECRET}"})
                if connection.getresponse().status == 200:
                    self.confirmed.append(number)
            except (OSError, http.client.HTTPException):
                pass  # not confirmed
            finally:
                connection.close()

    def end(self) -> None:
        self._ending.set()
        self.join(DEADLINE)


class Crowd:
    """Clients, and a publisher, for the length of a ``with`` block."""

    def __init__(self, port: int, count: int = 20) -> None:
        self.clients = [Returning(port) for _ in range(count)]
        self.publisher = Publishing(port)

    def published(self, more: int = 50) -> None:
        """Wait until so many more are confirmed."""
        wanted = len(self.publisher.confirmed) + more
        wait_until(lambda: len(self.publisher.confirmed) >= wanted)

    def have_all_once_and_in_order(self) -> None:
        """All that was confirmed has arrived, or is on its way: wait for it, and look at the order."""
        self.publisher.end()
        confirmed = self.publisher.confirmed
        for client in self.clients:
            wait_until(lambda client=client: confirmed[-1] in client.numbers)  # type: ignore[misc]
            assert set(confirmed) <= set(client.numbers)
            assert client.numbers == sorted(set(client.numbers))

    def __enter__(self) -> "Crowd":
        for client in self.clients:
            client.start()
        for client in self.clients:
            wait_until(lambda client=client: client.answers)  # type: ignore[misc]
        self.publisher.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self.publisher.end()
        for client in self.clients:
            client.leave()

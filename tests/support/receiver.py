"""A real HTTP server that web hooks go to."""

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from tests.support.deadlines import joined
from tests.support.raw_client import DEADLINE


class Hook(NamedTuple):
    """One request. Names of headers are in lower case."""

    path: str
    headers: dict[str, str]
    body: bytes


class Receiver(ThreadingHTTPServer):
    """Answers with the statuses it is given, then with 200.

    :ivar seconds: that it takes for each
    :ivar most: requests that there were at one time
    """

    daemon_threads = True

    def __init__(self, *statuses: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.statuses: queue.Queue[int] = queue.Queue()
        for status in statuses:
            self.statuses.put(status)
        self.seconds = 0.0
        self.ends = threading.Event()
        self.busy = self.most = 0
        self.counting = threading.Lock()
        self.requests: queue.Queue[Hook] = queue.Queue()
        self.url = f"http://127.0.0.1:{self.server_port}/hook?secret=1"

    def next(self) -> Hook:
        return self.requests.get(timeout=DEADLINE)

    def refuse(self, times: int = 50) -> None:
        """Answer so many requests with 503."""
        for _ in range(times):
            self.statuses.put(503)

    def begin_anew(self) -> None:
        """Forget what was refused, and answer with 200 again."""
        for waiting in (self.statuses, self.requests):
            while True:
                try:
                    waiting.get_nowait()
                except queue.Empty:
                    break


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with self.server.counting:
            self.server.busy += 1
            self.server.most = max(self.server.most, self.server.busy)
        self.server.ends.wait(self.server.seconds)
        with self.server.counting:
            self.server.busy -= 1
        try:
            status = self.server.statuses.get_nowait()
        except queue.Empty:
            status = 200
        self.server.requests.put(Hook(self.path, {name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *arguments: Any) -> None:
        """Nobody reads it."""


@contextmanager
def receiving(*statuses: int) -> Iterator[Receiver]:
    """A receiver, while the block lasts."""
    server = Receiver(*statuses)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.ends.set()
        server.shutdown()
        joined(thread)
        server.server_close()

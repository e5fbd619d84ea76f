"""Real HTTP servers that answer as a test wants: JSON to questions of `http_callback`, or whatever bytes."""

import json
import queue
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from tests.support.deadlines import joined
from tests.support.raw_client import DEADLINE


class Asked(NamedTuple):
    """One request. Names of headers are in lower case."""

    path: str
    headers: dict[str, str]
    raw: bytes
    body: Any


Answered = tuple[int, Any]
"""A status, and a body: bytes as they are, anything else as JSON."""


class HTTPBackend(ThreadingHTTPServer):
    """Keeps connections open.

    :ivar answer: called in a thread of the connection with what was asked; 200 and `{}` at first
    :ivar asked: all that was
    :ivar connections: that there were
    """

    daemon_threads = True
    request_queue_size = 1000

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.answer: Callable[[Asked], Answered] = lambda _: (200, {})
        self.asked: queue.Queue[Asked] = queue.Queue()
        self.connections = 0
        self.open: set[socket.socket] = set()
        self.url = f"http://127.0.0.1:{self.server_port}"

    def next(self) -> Asked:
        return self.asked.get(timeout=DEADLINE)

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections += 1
        self.open.add(request)
        super().process_request(request, client_address)

    def hang_up(self) -> None:
        """End all connections, as a server that stops does."""
        for each in list(self.open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    server: HTTPBackend
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        asked = Asked(self.path, headers, raw, json.loads(raw))
        self.server.asked.put(asked)
        status, body = self.server.answer(asked)
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        with suppress(OSError):  # who asked has gone
            self.send_response(status)
            if status == 302:
                self.send_header("Location", f"{self.server.url}/elsewhere")
            if status != 204:
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if status != 204:
                self.wfile.write(body)

    def finish(self) -> None:
        self.server.open.discard(self.request)
        with suppress(OSError):
            super().finish()

    def log_message(self, *arguments: Any) -> None:
        """Nobody reads it."""


@contextmanager
def http_backend(port: int = 0) -> Iterator[HTTPBackend]:
    """One, while the block lasts."""
    server = HTTPBackend(port)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        joined(thread)
        server.hang_up()
        server.server_close()


@contextmanager
def scripted(*connections: list[bytes | bool | None]) -> Iterator[tuple[str, "queue.Queue[bytes]"]]:
    """A server of bytes: its n-th connection gives the n-th list, a part for each request that has come, None for one
    that the connection ends at; False ends it at once, True says
    408 unasked. What has no part left is not read any more.

    :returns: its URL, and the requests
    """
    requests: queue.Queue[bytes] = queue.Queue()
    listening = socket.create_server(("127.0.0.1", 0))
    listening.settimeout(DEADLINE)
    held = []

    def serve() -> None:
        for parts in connections:
            try:
                connection, _ = listening.accept()
            except OSError:
                return  # the test is over
            held.append(connection)
            connection.settimeout(DEADLINE)
            for part in parts:
                with suppress(OSError):
                    if part is True:
                        connection.sendall(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")
                    elif part is not False:
                        requests.put(_request(connection))
                    if isinstance(part, bytes):
                        connection.sendall(part)
                if part in (None, False):
                    connection.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", requests
    finally:
        with suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        for each in held:
            each.close()
        thread.join(DEADLINE)


def _request(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            raise OSError("ended")
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(int(each[15:]) for each in head.split(b"\r\n") if each.lower().startswith(b"content-length:"))
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body

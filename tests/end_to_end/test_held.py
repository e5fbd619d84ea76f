"""The reactor is held: no client is judged for what it did meanwhile and nobody has read."""

import queue
import select
import ssl
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support import certificates
from tests.support.deadlines import joined
from tests.support.fws_server import FwsServer, Start
from tests.support.raw_client import DEADLINE, PING, PONG, RawClient, frame, head, wait_until

HELD = 2.5

HOLDS = f"""
    import time

    from filtered_websocket.filters.base import *
    from filtered_websocket.web.base import Endpoint

    class Holds(WebSocketMessageFilter):
        @classmethod
        def filter(cls, connection, data):
            if data == b"hold":
                print("held", flush=True)
                time.sleep({HELD})
            connection.sendMessage(data)

    class Echo(Endpoint):
        path = "/echo"
        methods = ("POST", "GET")

        @classmethod
        def handle(cls, pipeline, request):
            return request.body + b"answer"
"""


class Living:
    """Clients that answer pings as soon as they come, as every library does by itself."""

    def __init__(self) -> None:
        self._of: dict[Any, RawClient] = {}
        self._first, self._holds = None, 0
        self.held: queue.Queue[bytes] = queue.Queue()
        self._ended = threading.Event()
        self.lost: list[Any] = []
        self._thread = threading.Thread(target=self._live, daemon=True)
        self._thread.start()

    def add(self, client: RawClient) -> None:
        self._answer_all(client)
        self._of[client.socket] = client

    def hold(self, times: int) -> None:
        """Have the first client answer so many pings by having the reactor held: just before the others' pongs."""
        self._first, self._holds = next(iter(self._of)), times

    def _live(self) -> None:
        while not self._ended.is_set():
            for ready in sorted(select.select(list(self._of), [], [], 0.05)[0], key=lambda each: each != self._first):
                client = self._of[ready]
                try:
                    self._answer(client)
                    self._answer_all(client)
                except OSError as error:
                    self.lost.append((self._of.pop(ready), error))

    def _answer_all(self, client: RawClient) -> None:
        """What has come with something else: nothing more may become readable."""
        with_tls = client.socket if isinstance(client.socket, ssl.SSLSocket) else None
        while client._data or (with_tls is not None and with_tls.pending()):
            self._answer(client)

    def _answer(self, client: RawClient) -> None:
        got = client.receive_any()
        if got is None:
            raise ConnectionError("ended")
        if got.opcode != PING:
            self.held.put(got.payload)
        elif client.socket is self._first and self._holds:
            self._holds -= 1
            client.send("hold")
        else:
            client.send(frame(got.payload, PONG))

    def stop(self) -> None:
        self._ended.set()
        joined(self._thread)


@contextmanager
def living(server: FwsServer, tls: bool, count: int, holds: int) -> Iterator[Living]:
    with ExitStack() as stack:
        alive = Living()
        try:
            # Each answers pings from its beginning: to open the others may take longer than a ping may wait.
            for _ in range(count):
                alive.add(stack.enter_context(server.open(tls=tls)))
            alive.hold(holds)
            yield alive
        finally:
            alive.stop()


@pytest.mark.parametrize(("reactor", "tls"), [("lean", False), ("lean", True), ("asyncio", False)])
def test_clients_that_answer_their_pings_stay_and_one_that_does_not_is_ended(
    fws_server: Start, tmp_path: Path, reactor: str, tls: bool
) -> None:
    files = certificates.write(tmp_path)
    options = ("-key", files.key, "-cert", files.cert) if tls else ()
    options += ("--ping_interval", "1", "--ping_timeout", "2", "--reactor", reactor, "--filter_time_warn", "0")
    server = fws_server("-f", "my_filters", *options, module=HOLDS)
    with living(server, tls, 30, holds=2) as alive:
        for _ in range(2):
            assert alive.held.get(timeout=DEADLINE) == b"hold"
        assert alive.lost == []
        assert "ping timeout" not in server.log
        # Nothing is forgiven to a client that says nothing at all.
        silent = server.open(tls=tls)
        silent.body()
        server.wait_for("closed: ping timeout")
        assert alive.lost == []


@pytest.mark.parametrize("reactor", ["lean", "asyncio"])
def test_requests_that_came_in_time_are_answered(fws_server: Start, reactor: str) -> None:
    options = ("--handshake_timeout", "1", "--http_request_timeout", "1", "--http_idle_timeout", "2")
    server = fws_server("-f", "my_filters", "--reactor", reactor, "--ping_interval", "0", *options, module=HOLDS)
    with ExitStack() as stack:
        idle, begun, connecting, early = (stack.enter_context(server.client()) for _ in range(4))
        holder = stack.enter_context(server.open())
        get = b"GET /echo HTTP/1.1\r\nHost: h\r\n\r\n"
        idle.send(get)
        assert idle.response().status == 200
        assert idle._take(6) == b"answer"
        connecting.send(head()[:30])
        begun.send(b"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbo")
        holder.send("hold")
        # It is held now, for longer than each of them may wait.
        wait_until(lambda: "held" in server.printed)
        idle.send(get)
        begun.send(b"dy")
        connecting.send(head()[30:])
        early.send(head())
        assert idle.response().status == 200
        assert begun.response().status == 200
        assert begun._take(10) == b"bodyanswer"
        assert connecting.response().status == 101
        assert early.response().status == 101
        assert holder.text() == "hold"
    assert "handshake_timeout" not in server.log

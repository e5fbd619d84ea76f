"""A proxy of TCP whose connections are cut, die without anybody noticing, freeze, are late or end in the middle of a
message, when a test says so.
"""

import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType

RESET = struct.pack("ii", 1, 0)
"""How long a socket lingers that is closed: with this its peer is reset."""
TO_SERVER, TO_CLIENT = "to the server", "to the client"


class Passage:
    """How bytes pass, now.

    :ivar stopped: the ways in which nothing passes
    :ivar delay: seconds that each part of them takes longer
    """

    def __init__(self) -> None:
        self.stopped: frozenset[str] = frozenset()
        self.delay = 0.0
        self._changed = threading.Condition()

    def change(self, stopped: frozenset[str] | None = None, delay: float | None = None) -> None:
        with self._changed:
            self.stopped = self.stopped if stopped is None else stopped
            self.delay = self.delay if delay is None else delay
            self._changed.notify_all()

    def wait(self, way: str, is_over: Callable[[], bool]) -> None:
        """Until something may pass, or the connection has ended."""
        with self._changed:
            if self.delay:
                self._changed.wait_for(is_over, self.delay)
            self._changed.wait_for(lambda: way not in self.stopped or is_over())

    def wake(self) -> None:
        """A connection has ended."""
        with self._changed:
            self._changed.notify_all()


class UnreliableProxy:
    """
    :ivar target: the port on this host to which new connections go
    :ivar port: its own
    """

    def __init__(self, target: int) -> None:
        self.target = target
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1000)
        self.port = int(self._listener.getsockname()[1])
        self._lock = threading.Lock()
        self._passage = Passage()
        self._is_down = False
        self._open: list[_Pair] = []
        self._dead: list[_Pair] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                try:
                    if self._is_down:
                        raise ConnectionRefusedError
                    server = socket.create_connection(("127.0.0.1", self.target))
                    pair = _Pair(client, server, self._passage)
                except OSError:
                    client.close()
                    continue
                pair.start()
                self._open.append(pair)

    def _take(self) -> "list[_Pair]":
        with self._lock:
            self._is_down = True
            taken, self._open = self._open, []
        return taken

    def cut(self) -> None:
        """Reset all connections, at both ends, and let none in."""
        for pair in self._take():
            pair.end()

    def lose(self) -> None:
        """The same at the client's end alone. The server's stays open, and takes what is sent to nobody."""
        for pair in self._take():
            pair.lose()
            self._dead.append(pair)

    def end_lost(self) -> None:
        """End at the server, too, what was lost."""
        lost, self._dead = self._dead, []
        for pair in lost:
            pair.end()

    def freeze(self, *ways: str) -> None:
        """Let nothing pass, in these ways; without any, in both. Connections are accepted all the same."""
        self._passage.change(stopped=frozenset(ways or (TO_SERVER, TO_CLIENT)))

    def delay(self, seconds: float) -> None:
        """Let everything pass so much later."""
        self._passage.change(delay=seconds)

    def halve(self) -> None:
        """Reset each connection in the middle of what passes next on it. Others are let in."""
        with self._lock:
            for pair in self._open:
                pair.halves = True

    def mend(self) -> None:
        """Let connections in, and everything pass at once."""
        self._passage.change(frozenset(), 0.0)
        with self._lock:
            self._is_down = False
            for pair in self._open:
                pair.halves = False

    def __enter__(self) -> "UnreliableProxy":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(10)
        self._listener.close()
        for pair in self._take():
            pair.end()
        self.end_lost()


class _Pair:
    """Two sockets. Each is closed when no thread uses it any more: its number may be another's a moment later.

    :ivar halves: what passes next is its end
    """

    def __init__(self, client: socket.socket, server: socket.socket, passage: Passage) -> None:
        self._client, self._server, self._passage = client, server, passage
        self.halves = False
        self._is_lost = self._is_over = False
        self._lock, self._writing = threading.Lock(), threading.Lock()
        self._running = 2
        self._reader = threading.Thread(target=self._carry, args=(client, server.sendall, TO_SERVER), daemon=True)
        self._writer = threading.Thread(target=self._carry, args=(server, self._to_client, TO_CLIENT), daemon=True)

    def start(self) -> None:
        self._reader.start()
        self._writer.start()

    def _carry(self, source: socket.socket, send: Callable[[bytes], None], way: str) -> None:
        try:
            while data := source.recv(65536):
                self._passage.wait(way, lambda: self._is_over)
                if self.halves:
                    send(data[: len(data) // 2])
                    self._reset()
                    break
                send(data)
        except OSError:
            pass
        if self._is_lost and source is self._client:
            return  # the server is to notice nothing
        for each in (self._client, self._server):
            _shut(each)
        self._is_over = True
        self._passage.wake()
        with self._lock:
            self._running -= 1
            if not self._running:
                self._close()

    def _to_client(self, data: bytes) -> None:
        with self._writing:
            if not self._is_lost:
                try:
                    self._client.sendall(data)
                except OSError:
                    if not self._is_lost:
                        raise

    def _reset(self) -> None:
        self._is_over = True
        for each in (self._client, self._server):
            _reset(each)
        self._passage.wake()

    def lose(self) -> None:
        self._is_lost = self._is_over = True
        _reset(self._client)
        self._passage.wake()
        self._reader.join(10)
        with self._writing:
            self._client.close()

    def end(self) -> None:
        self._reset()
        self._reader.join(10)
        self._writer.join(10)
        self._close()

    def _close(self) -> None:
        self._client.close()
        self._server.close()


def _reset(each: socket.socket) -> None:
    """Its peer is reset when it is closed; who reads it or writes to it, is done with it now."""
    with suppress(OSError):
        each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    _shut(each)


def _shut(each: socket.socket) -> None:
    with suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)

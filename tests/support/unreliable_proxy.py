"""A proxy of TCP whose connections are cut, or die without anybody noticing, when a test says so."""

import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType

RESET = struct.pack("ii", 1, 0)
"""How long a socket lingers that is closed: with this its peer is reset."""


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
                    pair = _Pair(client, socket.create_connection(("127.0.0.1", self.target)))
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

    def mend(self) -> None:
        """Let connections in again."""
        with self._lock:
            self._is_down = False

    def __enter__(self) -> "UnreliableProxy":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(10)
        self._listener.close()
        for pair in [*self._take(), *self._dead]:
            pair.end()


class _Pair:
    """Two sockets. Each is closed when no thread uses it any more: its number may be another's a moment later."""

    def __init__(self, client: socket.socket, server: socket.socket) -> None:
        self._client, self._server = client, server
        self._is_lost = False
        self._lock, self._writing = threading.Lock(), threading.Lock()
        self._running = 2
        self._reader = threading.Thread(target=self._carry, args=(client, server.sendall), daemon=True)
        self._writer = threading.Thread(target=self._carry, args=(server, self._to_client), daemon=True)

    def start(self) -> None:
        self._reader.start()
        self._writer.start()

    def _carry(self, source: socket.socket, send: Callable[[bytes], None]) -> None:
        try:
            while data := source.recv(65536):
                send(data)
        except OSError:
            pass
        if self._is_lost and source is self._client:
            return  # the server is to notice nothing
        for each in (self._client, self._server):
            _shut(each)
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

    def lose(self) -> None:
        self._is_lost = True
        _reset(self._client)
        self._reader.join(10)
        with self._writing:
            self._client.close()

    def end(self) -> None:
        for each in (self._client, self._server):
            _reset(each)
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

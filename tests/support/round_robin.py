"""A proxy that gives each connection, and each request of HTTP, to the next of several servers: no sticky sessions."""

import itertools
import socket
import threading
from collections.abc import Sequence
from types import TracebackType


class RoundRobin:
    """
    :param ports: of the servers, on this host
    :ivar port: its own
    :ivar given: how many connections each server was given
    """

    def __init__(self, ports: Sequence[int]) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=100)
        self.port = int(self._listener.getsockname()[1])
        self.given = dict.fromkeys(ports, 0)
        self._next = itertools.cycle(ports)
        self._open: set[socket.socket] = set()
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(client,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, client: socket.socket) -> None:
        with client:
            self._open.add(client)
            server: socket.socket | None = None
            try:
                while data := client.recv(65536):
                    # A request of HTTP that is kept alive goes to another server than the one before.
                    if server is None or data.startswith((b"GET /", b"POST /")):
                        if server is not None:
                            server.shutdown(socket.SHUT_WR)
                        server = self._connect(client)
                    server.sendall(data)
            except OSError:
                pass
            finally:
                self._open.discard(client)
                if server is not None:
                    _shut(server)

    def _connect(self, client: socket.socket) -> socket.socket:
        port = next(self._next)
        self.given[port] += 1
        server = socket.create_connection(("127.0.0.1", port))
        thread = threading.Thread(target=self._back, args=(server, client), daemon=True)
        self._threads.append(thread)
        thread.start()
        return server

    def _back(self, server: socket.socket, client: socket.socket) -> None:
        with server:
            self._open.add(server)
            try:
                while data := server.recv(65536):
                    client.sendall(data)
            except OSError:
                pass
            finally:
                self._open.discard(server)

    def __enter__(self) -> "RoundRobin":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for each in tuple(self._open):
            _shut(each)
        for thread in self._threads:
            thread.join(10)


def _shut(each: socket.socket) -> None:
    try:
        each.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass

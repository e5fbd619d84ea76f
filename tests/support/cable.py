"""What lies between clients and a server, and can be cut."""

import contextlib
import socket
import struct
import threading
from types import TracebackType

from tests.support.ports import free_port

_RESET = struct.pack("ii", 1, 0)


class Cable:
    """Carries bytes from its port to a server's and back, until it is cut.

    :ivar port: where clients connect to
    """

    def __init__(self, server_port: int) -> None:
        self.port = free_port()
        self._server_port = server_port
        self._lock = threading.Lock()
        self._ends: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listener: socket.socket | None = None

    def plug_in(self) -> None:
        """Carry from now on."""
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._accepting = threading.Thread(target=self._accept, args=(self._listener,), daemon=True)
        self._accepting.start()

    def cut(self) -> None:
        """Reset all connections, and refuse others until it is plugged in."""
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.shutdown(socket.SHUT_RDWR)  # close alone would not wake the thread that accepts
            # It may have one more connection in hand; and what it accepts by must not become another socket's number.
            self._accepting.join(10)
            listener.close()
        with self._lock:
            ends, self._ends = self._ends, []
        for end in ends:
            with contextlib.suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                end.shutdown(socket.SHUT_RD)
        threads, self._threads = self._threads, []
        for thread in threads:
            thread.join(10)
        for end in ends:
            end.close()

    def _begin(self, target: object, *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                try:
                    server = socket.create_connection(("127.0.0.1", self._server_port))
                except OSError:
                    client.close()  # as if it had been refused
                    continue
                with self._lock:
                    self._ends += (client, server)
                self._begin(self._carry, client, server)
                self._begin(self._carry, server, client)

    def _carry(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)

    def __enter__(self) -> "Cable":
        self.plug_in()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self.cut()

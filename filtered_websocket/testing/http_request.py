"""A plain HTTP request to the server in memory, on a connection of its own."""

from collections.abc import Callable, Mapping

from websockets.datastructures import Headers
from websockets.http11 import Response

from filtered_websocket.testing.client import Server
from filtered_websocket.testing.memory_transport import MemoryTransport


class HttpRequest:
    """
    :param done: called with this when the answer has come, or the connection has ended without one
    :ivar response: the answer, None while there is none
    """

    def __init__(
        self,
        server: Server,
        method: str,
        uri: str,
        *,
        headers: Mapping[str, str],
        body: bytes,
        done: Callable[["HttpRequest"], None],
    ) -> None:
        self._done = done
        self._read = bytearray()
        self.response: Response | None = None
        names = {"Host": "localhost", **headers, "Content-Length": str(len(body)), "Connection": "close"}
        lines = [f"{method} {uri} HTTP/1.1", *(f"{name}: {value}" for name, value in names.items()), "", ""]
        self.outgoing = bytearray("\r\n".join(lines).encode() + body)
        connection = server.server.buildProtocol(None)
        self.transport = MemoryTransport(connection, self, server.next_port)
        connection.makeConnection(self.transport)
        server.add(self)

    def abort(self) -> None:
        """Be gone, as when a cable is cut."""
        self.transport.client_ends(reset=True)

    # What the transport calls.

    def receive(self, data: bytes) -> None:
        self._read += data

    def receive_end(self) -> None:
        head, end, body = bytes(self._read).partition(b"\r\n\r\n")
        if end:
            status, *lines = head.decode("latin-1").split("\r\n")
            _, code, reason = status.split(" ", 2)
            headers = Headers()
            for line in lines:
                name, _, value = line.partition(": ")
                headers[name] = value
            self.response = Response(int(code), reason, headers, body)
        self._done(self)

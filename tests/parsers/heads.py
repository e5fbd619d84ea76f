"""Requests and handshakes: the real server's way with a stream of bytes, and h11's and wsproto's with the same.

Both tell, one after the other, each request they have read with its body, and how it ends: what is refused, what is
not complete, a WebSocket that is opened.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import h11
import wsproto
from wsproto.utilities import generate_accept_token

from filtered_websocket.filters.base import WebSocketHandshakeFilter
from filtered_websocket.testing.memory_transport import MemoryTransport
from filtered_websocket.testing.server import Server
from filtered_websocket.web.head import Head
from filtered_websocket.web.response import Response

LIMIT = 4096
"""Bytes of a head."""


class Read(NamedTuple):
    """A request.

    :ivar opens: it asks for a WebSocket, which is opened; its subprotocols, None for any other request
    """

    method: str
    target: str
    headers: dict[str, str]
    body: bytes = b""
    opens: tuple[str, ...] | None = None


REFUSED, INCOMPLETE, END = "refused", "incomplete", "end"

Step = tuple[bytes, Read | str]
"""A request as it was sent, as far as that is known, and what was made of it."""


class Admits(WebSocketHandshakeFilter):
    @classmethod
    def filter(cls, connection: Any, request: Any) -> None:
        connection.factory.told.append((request._raw, _read("GET", request, b"", tuple(request.protocols))))


def _read(method: str, request: Any, body: bytes, opens: tuple[str, ...] | None = None) -> Read:
    return Read(method, request.uri, dict(request.headers), body, opens)


class _Client:
    """The client's end of a `MemoryTransport`."""

    def __init__(self) -> None:
        self.outgoing, self.received, self.ended = bytearray(), bytearray(), False

    def receive(self, data: bytes) -> None:
        self.received += data

    def receive_end(self) -> None:
        self.ended = True


class Ours:
    """The real server, on a clock and without sockets."""

    def __init__(self) -> None:
        self._kit = Server(Admits, allowed_origins="*", max_handshake_size=LIMIT, ping_interval=0)
        server: Any = self._kit.server
        self._server = server
        site, self._head = server.site, b""
        request_of = site.request

        def request(connection: Any, head: Head) -> Any:
            self._head = head.raw
            return request_of(connection, head)

        def answer(route: Any, request: Any) -> Response:
            server.told.append((self._head, _read(request.method, request, request.body)))
            return Response(404, b"")

        site.request, site.answer = request, answer
        self._kit.__enter__()

    def close(self) -> None:
        self._kit.__exit__(None, None, None)

    def steps(self, pieces: Sequence[bytes]) -> list[Step]:
        """What is made of a stream that comes in these pieces."""
        kit, client = self._kit, _Client()
        told: list[Step] = []
        self._server.told = told
        connection = self._server.buildProtocol(None)
        transport: Any = MemoryTransport(connection, client, 50000)
        kit.add(client)  # type: ignore[arg-type]
        client.transport = transport  # type: ignore[attr-defined]
        connection.makeConnection(transport)
        for piece in pieces:
            client.outgoing += piece
            kit.settle()
        statuses = [int(each) for each in re.findall(rb"HTTP/1\.1 ([1-5]\d\d) ", bytes(client.received))]
        opened = 101 in statuses
        if opened:
            key = told[-1][1].headers["sec-websocket-key"]  # type: ignore[union-attr]
            assert generate_accept_token(key.encode()) in client.received
        elif len([each for each in statuses if each != 100]) > len(told):
            told.append((b"", REFUSED))
        elif not client.ended:
            at_work = transport.protocol
            waits = connection.data if at_work is connection else at_work._receiving or at_work._data
            told.append((b"", INCOMPLETE if waits else END))
        else:
            told.append((b"", END))
        transport.abortConnection()
        kit.settle()
        kit._clients.clear()
        assert not kit.errors
        assert not transport.connected
        assert not self._server.connections
        assert not self._server.site.connections
        return told


def steps_of_h11(stream: bytes) -> list[Step]:
    """What h11 makes of a stream, and wsproto of a handshake in it."""
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=LIMIT + 4)
    if stream:  # nothing would be the end
        connection.receive_data(stream)
    return list(_of_h11(connection, stream))


def _of_h11(connection: h11.Connection, stream: bytes) -> Iterator[Step]:
    asked, begin, head, body = None, 0, b"", b""
    while True:
        try:
            event = connection.next_event()
        except h11.RemoteProtocolError:
            yield stream[begin:], REFUSED
            return
        rest = len(connection.trailing_data[0])
        if isinstance(event, h11.Request):
            asked, body, head = event, b"", stream[begin : len(stream) - rest]
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage):
            assert asked is not None
            opens = _opened(asked, head)
            raw = stream[begin : len(stream) - rest]
            yield raw, REFUSED if opens == REFUSED else _read_by_h11(asked, body, opens)
            if opens is not None:
                return
            connection.send(h11.Response(status_code=404, headers=[("Content-Length", "0")]))
            connection.send(h11.EndOfMessage())
            if connection.our_state is not h11.DONE or connection.their_state is not h11.DONE:
                yield b"", END
                return
            connection.start_next_cycle()
            asked, begin = None, len(stream) - rest
        else:
            assert event is h11.NEED_DATA, event
            yield stream[begin:], INCOMPLETE if asked is not None or rest else END
            return


def _read_by_h11(request: h11.Request, body: bytes, opens: Any) -> Read:
    headers: dict[str, str] = {}
    for raw, value in request.headers:
        name, text = raw.decode(), value.decode("latin-1")
        if name in headers:
            text = headers[name] + ("; " if name == "cookie" else ",") + text
        headers[name] = text
    return Read(request.method.decode(), request.target.decode("latin-1"), headers, body, opens)


def _opened(request: h11.Request, head: bytes) -> tuple[str, ...] | str | None:
    """The subprotocols of a handshake that wsproto takes; REFUSED; None for what is no handshake."""
    upgrades = b",".join(value for name, value in request.headers if name == b"upgrade").lower()
    lengths = [value for name, value in request.headers if name in (b"content-length", b"transfer-encoding")]
    is_one = b"websocket" in [each.strip() for each in upgrades.split(b",")]
    if request.method != b"GET" or request.http_version != b"1.1" or not is_one or lengths not in ([], [b"0"]):
        return None
    server = wsproto.WSConnection(wsproto.ConnectionType.SERVER)
    try:
        server.receive_data(head)
        (event,) = server.events()
    except (wsproto.utilities.RemoteProtocolError, UnicodeError):
        return REFUSED
    assert isinstance(event, wsproto.events.Request)
    return tuple(event.subprotocols)


class Parted(NamedTuple):
    """Where both part: the first request that is another to each.

    :ivar raw: the bytes of it, as the one knows them that has read more
    """

    raw: bytes
    ours: Read | str
    theirs: Read | str

    @property
    def head(self) -> bytes:
        return self.raw.lstrip(b"\r\n").partition(b"\r\n\r\n")[0] + b"\r\n"

    @property
    def target(self) -> bytes:
        return self.head.partition(b" ")[2].partition(b" ")[0]

    @property
    def body(self) -> bytes:
        return self.raw.lstrip(b"\r\n").partition(b"\r\n\r\n")[2]

    def stricter(self, where: bytes, pattern: bytes) -> object:
        """Ours refuses what has this pattern somewhere."""
        return self.ours == REFUSED and isinstance(self.theirs, Read) and re.search(pattern, where, re.I | re.S)

    def looser(self, where: bytes, pattern: bytes) -> object:
        """Ours takes what has this pattern somewhere."""
        return self.theirs == REFUSED and self.ours != REFUSED and re.search(pattern, where, re.I | re.S)


def parted(ours: Sequence[Step], theirs: Sequence[Step]) -> Parted | None:
    """Where both part, if they do. What one refuses early is not complete to the other, which is no difference."""
    for (one_raw, one), (other_raw, other) in zip(ours, theirs, strict=False):
        if one != other and (one, other) not in ((REFUSED, INCOMPLETE), (INCOMPLETE, REFUSED)):
            return Parted(max(one_raw, other_raw, key=len), one, other)
        if isinstance(one, str) or isinstance(other, str):
            return None
    assert len(ours) == len(theirs), (ours, theirs)
    return None

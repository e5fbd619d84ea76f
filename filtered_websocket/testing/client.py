"""A client of the server in memory: the library websockets, without its sockets."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from websockets import frames
from websockets.client import ClientProtocol
from websockets.exceptions import InvalidStatus
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.http11 import Response
from websockets.protocol import State
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from filtered_websocket.connection.connection import Connection
from filtered_websocket.server.server import Server as RealServer
from filtered_websocket.testing.clock import StillWaiting
from filtered_websocket.testing.memory_transport import MemoryTransport


class Refused(ConnectionError):  # noqa: N818 - what happened
    """The server refused a handshake, with `status`, `reason`, `headers` and `body` (bytes)."""

    def __init__(self, response: Any) -> None:
        super().__init__(f"{response.status_code} {response.reason_phrase}")
        self.status: int = response.status_code
        self.reason: str = response.reason_phrase
        self.headers: Mapping[str, str] = response.headers
        self.body: bytes = response.body or b""


class Server(Protocol):
    """The server in memory, as its clients know it."""

    server: RealServer

    @property
    def next_port(self) -> int:
        """That of the next connection's client."""

    def add(self, client: "Connected") -> None:
        """Carry what a client sends and gets, from now on."""

    def settle(self, until: Callable[[], object] | None = None) -> None:
        """Let everything happen that can happen, where waiting is possible until this is so."""

    @property
    def way_on(self) -> str:
        """What a test does about a filter that waits."""


class Connected(Protocol):
    """What is at a client's end of a connection."""

    transport: MemoryTransport


class Client:
    """One client; `Server.connect` makes it.

    :ivar connection: the server's side, as filters get it
    :ivar outgoing: bytes on their way to the server
    """

    def __init__(self, server: Server, protocol: ClientProtocol) -> None:
        self._server = server
        self._protocol = protocol
        self._messages: list[str | bytes] = []
        self._fragments: list[frames.Frame] = []
        self._pongs: set[bytes] = set()
        self._pings = 0
        self._response_headers: Mapping[str, str] = {}
        self.outgoing = bytearray()
        self.connection: Connection = server.server.buildProtocol(None)
        self.transport = MemoryTransport(self.connection, self, server.next_port)

    @property
    def is_open(self) -> bool:
        """Whether the connection is open. Not yet, while a handshake filter waits."""
        self._server.settle(lambda: self._protocol.state is not State.CONNECTING)
        return self._protocol.state is State.OPEN

    @property
    def protocol(self) -> str | None:
        """The subprotocol that the server chose."""
        return self._protocol.subprotocol

    @property
    def response_headers(self) -> Mapping[str, str]:
        """The headers of the server's 101."""
        self._expect_open()
        return self._response_headers

    @property
    def close_code(self) -> int | None:
        """As a browser would show it: 1006 without a closing handshake. None while the connection lasts."""
        self._server.settle()
        return self._protocol.close_code if self._protocol.state is State.CLOSED else None

    @property
    def close_reason(self) -> str | None:
        self._server.settle()
        return self._protocol.close_reason if self._protocol.state is State.CLOSED else None

    def send(self, payload: str | bytes) -> None:
        """Send str as text, bytes as binary.

        :raises ConnectionError: the connection is not open
        """
        self._expect_open()
        if isinstance(payload, str):
            self._protocol.send_text(payload.encode())
        else:
            self._protocol.send_binary(payload)
        self._flush()

    def begin(self, headers: Mapping[str, str]) -> None:
        """Ask for the WebSocket.

        :raises Refused: the server answered with anything but 101
        """
        self._server.add(self)
        self.connection.makeConnection(self.transport)
        request = self._protocol.connect()
        for name, value in headers.items():
            request.headers.pop(name, None)
            request.headers[name] = value
        self._protocol.send_request(request)
        self._flush()
        self._raise_refusal()

    def write(self, data: bytes) -> None:
        """Put bytes on the wire as they are: half a frame, garbage."""
        self.outgoing += data
        self._server.settle()

    def received(self) -> list[str | bytes]:
        """The messages received since this was last asked, text as str, binary as bytes.

        :raises Refused: there is no connection to receive on
        """
        self._server.settle()
        self._raise_refusal()
        messages, self._messages = self._messages, []
        return messages

    def sync(self) -> None:
        """Send a ping and see its pong: the server has handled all that was sent before.

        :raises StillWaiting: it has not, a filter of this connection waits
        """
        self._expect_open()
        self._pings += 1
        payload = f"sync {self._pings}".encode()
        self._protocol.send_ping(payload)
        self._flush()
        if payload not in self._pongs:
            raise StillWaiting(f"no answer to a ping: {self._state()}")

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Close, with the closing handshake."""
        self._expect_open()
        self._protocol.send_close(code, reason)
        self._flush()

    def abort(self) -> None:
        """Be gone without a closing handshake, as when a cable is cut."""
        self.transport.client_ends(reset=True)
        self._server.settle()

    def stall(self) -> None:
        """Read nothing from now on: what the server sends waits there, as long as its limits for slow clients allow."""
        self._server.settle()
        self.transport.stall()

    def read_on(self) -> None:
        """Read again, what waits first."""
        self.transport.go_on()
        self._server.settle()

    # What the transport calls.

    def receive(self, data: bytes) -> None:
        self._protocol.receive_data(data)
        self._take_events()

    def receive_end(self) -> None:
        self._protocol.receive_eof()
        self._take_events()

    def _take_events(self) -> None:
        for event in self._protocol.events_received():
            if isinstance(event, Response):
                self._response_headers = event.headers
            elif not isinstance(event, frames.Frame):
                continue
            elif event.opcode is frames.Opcode.PONG:
                self._pongs.add(bytes(event.data))
            elif event.opcode in (frames.Opcode.TEXT, frames.Opcode.BINARY, frames.Opcode.CONT):
                self._fragments.append(event)
                if event.fin:
                    data = b"".join(bytes(fragment.data) for fragment in self._fragments)
                    is_text = self._fragments[0].opcode is frames.Opcode.TEXT
                    self._fragments.clear()
                    self._heard(data.decode() if is_text else data)
        self._collect()

    def _heard(self, message: str | bytes) -> None:
        self._messages.append(message)

    def _collect(self) -> None:
        for data in self._protocol.data_to_send():
            if data:
                self.outgoing += data
            else:
                self.transport.client_ends(reset=False)

    def _flush(self) -> None:
        self._collect()
        self._server.settle()

    def _raise_refusal(self) -> None:
        refusal = self._protocol.handshake_exc
        if isinstance(refusal, InvalidStatus):
            raise Refused(refusal.response)
        if refusal is not None:
            raise ConnectionError(f"no handshake: {refusal}") from refusal

    def _expect_open(self) -> None:
        if self.is_open:
            return
        self._raise_refusal()
        raise ConnectionError(f"the connection is not open: {self._state()}")

    def _state(self) -> str:
        if self._protocol.state is State.CLOSED:
            return f"it was closed with {self._protocol.close_code} {self._protocol.close_reason}".rstrip()
        return f"a filter waits; {self._server.way_on}"


def client_protocol(path: str, protocols: Iterable[str] = (), compression: bool = False) -> ClientProtocol:
    """What speaks for a client."""
    return ClientProtocol(
        parse_uri(f"ws://localhost{path}"),
        subprotocols=[Subprotocol(each) for each in protocols] or None,
        extensions=[ClientPerMessageDeflateFactory()] if compression else None,
        max_size=None,
    )

"""Autobahn's server protocol made lean: nothing formatted that nobody reads, state that most connections never need on
the class, and the holes in closing that were found by trying (docs/architecture.md, "Autobahn").

Autobahn's options are attributes of the class that `lean` makes for a server, not copied per connection.
"""

import zlib
from typing import Any

from autobahn.twisted.websocket import WebSocketServerFactory, WebSocketServerProtocol
from autobahn.util import encode_truncate
from autobahn.websocket.protocol import TrafficStats, WebSocketProtocol
from autobahn.websocket.utf8validator import Utf8Validator

from filtered_websocket.messages.deflate import Deflate, TooLargeError

OPEN = WebSocketProtocol.STATE_OPEN
CONNECTING = WebSocketProtocol.STATE_CONNECTING
CLOSING = WebSocketProtocol.STATE_CLOSING
CLOSED = WebSocketProtocol.STATE_CLOSED

CLOSE_CODES = frozenset({1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013})
"""Codes of RFC 6455, 7.4.1, and of the IANA registry that an endpoint may send; 3000-4999 may be sent too. (1014 may as
well, but Autobahn takes a peer's echo of it for a violation.)"""


class _Nobody:
    """Stands for the Deferreds that Autobahn fires for those that asked; here nobody asks."""

    def callback(self, _: Any) -> None: ...

    errback = callback


class _Silent:
    """Stands for Autobahn's logger: what it says of a connection is counted and logged by this package, once."""

    def debug(self, *_: Any, **__: Any) -> None: ...

    trace = info = warn = error = failure = debug


class LeanProtocol(WebSocketServerProtocol):
    """One WebSocket connection as Autobahn speaks it."""

    CONFIG_ATTRS: tuple[str, ...] = ()

    # What Autobahn sets on each instance when it is made and when it is connected.
    is_closed = is_open = _Nobody()
    trafficStats = TrafficStats()
    _transport_details = None
    trackedTimings = None
    send_state = WebSocketProtocol.SEND_STATE_GROUND
    send_queue = ()
    triggered = False
    wasMaxFramePayloadSizeExceeded = wasMaxMessagePayloadSizeExceeded = False
    closedByMe = failedByMe = droppedByMe = wasClean = False
    wasNotCleanReason: str | None = None
    wasServerConnectionDropTimeout = wasOpenHandshakeTimeout = wasCloseHandshakeTimeout = False
    wasServingFlashSocketPolicyFile = False
    localCloseCode: int | None = None
    localCloseReason: bytes | None = None
    remoteCloseCode: int | None = None
    remoteCloseReason: str | None = None
    openHandshakeTimeoutCall = closeHandshakeTimeoutCall = None
    autoPingTimeoutCall = autoPingPending = autoPingPendingCall = autoPingPendingSent = None
    autoPingPendingSeq = 0
    websocket_version = 13
    _utf8validator: Utf8Validator | None = None
    _isMessageCompressed = False
    # Set when they are needed, or slots of the connection.
    data: bytes
    transport: Any
    maxMessagePayloadSize: int
    message_data: Any
    message_is_binary: bool
    current_frame: Any
    _perMessageCompress: Deflate | None

    log = _Silent()

    def __init__(self) -> None:
        """Nothing: see the class attributes."""

    @property
    def utf8validator(self) -> Utf8Validator:
        """Made when the first text comes that is not read by the fast path."""
        if self._utf8validator is None:
            self._utf8validator = Utf8Validator()
        return self._utf8validator

    def connectionMade(self) -> None:
        self._connectionMade()

    def _connectionMade(self) -> None:
        self.factory.countConnections += 1
        self.openHandshakeTimeoutCall = self.factory.deadlines.call_later(
            self.openHandshakeTimeout, self.onOpenHandshakeTimeout
        )

    def connectionLost(self, reason: Any = None) -> None:
        self.factory.countConnections -= 1
        if self.closeHandshakeTimeoutCall is not None:
            self.closeHandshakeTimeoutCall.cancel()
            self.closeHandshakeTimeoutCall = None
        WebSocketProtocol._connectionLost(self, reason)

    def _onOpen(self) -> None:
        self.onOpen()

    def sendData(self, data: bytes, sync: bool = False, chopsize: int | None = None) -> None:
        """Autobahn's one way to the transport: handshakes, control frames, its own messages."""
        self.transport.write(data)

    def sendHttpErrorResponse(self, code: int, reason: str, responseHeaders: Any = None) -> None:
        # The reason may quote the client: nothing of it may end the line.
        text = "".join(each if " " <= each <= "~" else "?" for each in reason)[:200]
        body = text.encode() + b"\n"
        lines = [f"HTTP/1.1 {code} {text}", "Content-Type: text/plain; charset=utf-8", "Connection: close"]
        lines += [f"Content-Length: {len(body)}", *(f"{name}: {value}" for name, value in responseHeaders or ())]
        self.sendData("\r\n".join([*lines, "", ""]).encode("latin-1", "replace") + body)

    def onMessageBegin(self, isBinary: bool) -> None:
        # Autobahn keeps a list of pieces. A piece of no or few bytes would cost many times what it took to send.
        super().onMessageBegin(isBinary)
        self.message_data = bytearray()

    def onMessageFrameBegin(self, length: int) -> None:
        # The limit is that of the message: what deflate cannot shrink it makes longer.
        super().onMessageFrameBegin(0 if self._isMessageCompressed else length)

    def onFrameData(self, payload: bytes) -> bool | None:
        compressed = self._isMessageCompressed and self.current_frame.opcode < 8
        return self._inflate(payload) if compressed else super().onFrameData(payload)

    def onFrameEnd(self) -> bool | None:
        frame = self.current_frame
        if self._isMessageCompressed and frame.fin and frame.opcode < 8:
            if self._inflate(None) is False:
                return False
            self._isMessageCompressed = False
        ended: bool | None = super().onFrameEnd()
        return ended

    def _inflate(self, data: bytes | None) -> bool | None:
        """Take compressed bytes of a message; None: its end. Returns False when it has failed, as `onFrameData` does.

        Autobahn would hand on a message of which its inflater still holds a part.
        """
        deflate, room = self._perMessageCompress, self.maxMessagePayloadSize - len(self.message_data)
        assert deflate is not None
        try:
            payload = deflate.end(room) if data is None else deflate.inflate(data, room)
        except TooLargeError:
            self.wasMaxMessagePayloadSizeExceeded = True
            limit = self.maxMessagePayloadSize
            self._max_message_size_exceeded(limit + 1, limit, f"the message inflates to more than {limit} bytes")
            return False
        except zlib.error as error:
            self._invalid_payload(f"the message cannot be inflated: {error}")
            return False
        if self.utf8validateIncomingCurrentMessage:
            self.utf8validateLast = self.utf8validator.validate(payload)
            if not self.utf8validateLast[0]:
                self._invalid_payload("a text message is no UTF-8")
                return False
        self.onMessageFrameData(payload)
        return None

    def onMessageFrameData(self, payload: bytes) -> None:
        self.message_data += payload

    def onMessageEnd(self) -> None:
        self.onMessage(self.message_data, self.message_is_binary)
        self.message_data = None

    def _fail_connection(self, code: int = 1001, reason: str = "going away") -> None:
        # RFC 6455, 7.1.7: a close frame, and nothing of what follows is read. Autobahn would read on for the reply.
        if self.state == CLOSED:
            return
        self.failedByMe = True
        if self.state == OPEN:
            self.sendCloseFrame(code, encode_truncate(reason, 123))
        self.dropConnection()

    def _protocol_violation(self, reason: str) -> bool:
        super()._protocol_violation(reason)
        return True

    def _invalid_payload(self, reason: str) -> bool:
        super()._invalid_payload(reason)
        return True

    def _closeConnection(self, abort: bool = False) -> None:
        # Autobahn resets the connection after the closing handshake, and a reset overtakes what is still under way.
        super()._closeConnection(abort and (self.wasCloseHandshakeTimeout or self.wasOpenHandshakeTimeout))

    def send_close(self, code: int, reason: str) -> None:
        """Begin the closing handshake (Autobahn's own sendClose knows fewer codes).

        :raises ValueError: a code that may not be sent
        """
        if code not in CLOSE_CODES and not 3000 <= code <= 4999:
            raise ValueError(f"{code} is no close code that may be sent: 1000-1003, 1007-1013 or 3000-4999")
        if self.state == OPEN:
            self.sendCloseFrame(code, encode_truncate(reason, 123))


def lean(protocol: type[LeanProtocol], factory: WebSocketServerFactory) -> type[LeanProtocol]:
    """The protocol class of one server: Autobahn's options as its attributes."""
    options = {name: getattr(factory, name) for name in WebSocketServerProtocol.CONFIG_ATTRS}
    # On a class a function would become a method.
    options = {name: staticmethod(value) if callable(value) else value for name, value in options.items()}
    return type(protocol.__name__, (protocol,), {**options, "__module__": protocol.__module__})

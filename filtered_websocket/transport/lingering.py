"""The end of a client's connection that waits for the client's own end (`streams`, rule 3)."""

from twisted.internet import main
from twisted.python.failure import Failure

from filtered_websocket.transport.streams import Port, WriteThrough

LINGER_SECONDS, MAX_LINGER_SECONDS = 2.0, 10.0
"""How long a peer that has yet to close is waited for: while it says nothing, and in all."""
LINGER_BYTES = 64 * 1024 * 1024
"""For how many bytes: those that were on their way when it could not know of the end."""
MAX_LINGERING = 1000
"""On how many connections of a port at once."""


class Lingering:
    """The protocol of a connection that is over for everybody but the kernel: drops what still comes."""

    def __init__(self, transport: WriteThrough, port: Port) -> None:
        self._transport, self._port = transport, port
        self._left = self._seen = LINGER_BYTES
        port.lingering += 1
        self._ends = transport.reactor.seconds() + MAX_LINGER_SECONDS
        self._timer = transport.reactor.callLater(LINGER_SECONDS, self._judge)

    def dataReceived(self, data: bytes) -> None:
        self._left -= len(data)
        if self._left < 0:
            self._transport.abortConnection()

    def _judge(self) -> None:
        reactor = self._transport.reactor
        if self._left == self._seen or reactor.seconds() + LINGER_SECONDS > self._ends:
            self._transport.connectionLost(Failure(main.CONNECTION_DONE))
        else:
            self._seen = self._left
            self._timer = reactor.callLater(LINGER_SECONDS, self._judge)

    def connectionLost(self, reason: Failure) -> None:
        self._port.lingering -= 1
        if self._timer.active():
            self._timer.cancel()

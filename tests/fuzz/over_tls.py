"""A client that speaks TLS in memory, to the real transport of a server."""

import itertools
import ssl
from collections.abc import Iterator
from typing import Any

from filtered_websocket.testing.memory_transport import MemoryTransport
from filtered_websocket.transport.certificate import Certificate, TLSFactory
from tests.fuzz.agreement import End
from tests.support import certificates


class Stream(MemoryTransport):
    """The stream beneath TLS, whose client takes everything at once."""

    server = producer = None
    pending = taken = 0

    def begin_to_close(self) -> None:
        """It ends when it is moved."""

    def _tell_end(self, why: Exception) -> bool:
        # What watches the real stream is the connection.
        if self._paused and not self._client.outgoing and not self._ended:
            self._ended = True
            self.protocol.protocol.transport_ended()
            return True
        return super()._tell_end(why)


class Port:
    """Makes TLS connections of one factory, which share its memory BIOs."""

    def __init__(self, files: certificates.Files) -> None:
        self._protocol: Any = None
        self._factory = TLSFactory(Certificate(files.key, files.cert), self, [])
        self.context = ssl.create_default_context(cafile=files.root)

    def doStart(self) -> None: ...

    doStop = doStart

    def buildProtocol(self, addr: Any) -> Any:
        return self._protocol

    def accept(self, protocol: Any) -> Any:
        self._protocol = protocol
        return self._factory.buildProtocol(None)

    def check(self) -> None:
        """Nothing of a connection lies where the next one puts its own."""
        assert not self._factory._incoming.pending
        assert not self._factory._outgoing.pending


class SecureEnd(End):
    """
    :param sizes: bytes that arrive together, over and over
    :param records: bytes of plaintext in a record, over and over
    :param alert: whether its end is told by TLS too, before that of the stream
    """

    def __init__(self, connection: Any, port: Port, sizes: list[int], records: list[int], alert: bool) -> None:
        self.outgoing, self.received, self.ended = bytearray(), bytearray(), False
        self._port, self._alert = port, alert
        self._sizes, self._records = itertools.cycle(sizes), itertools.cycle(records)
        self._from, self._to = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = port.context.wrap_bio(self._from, self._to, server_hostname="localhost")
        secure = port.accept(connection)
        self.transport = Stream(secure, self, 50000)
        secure.makeConnection(self.transport)
        self._ready = self.closed = False

    def sent(self, data: bytes) -> Iterator[bytes]:
        while not self._ready:
            try:
                self._tls.do_handshake()
                self._ready = True
            except ssl.SSLWantReadError:
                pass
            yield from self._cut()
        at = 0
        while at < len(data):
            size = next(self._records)
            self._tls.write(data[at : at + size])
            at += size
        yield from self._cut()

    def _cut(self) -> Iterator[bytes]:
        while self._to.pending:
            yield self._to.read(next(self._sizes))
            self._port.check()

    def last(self) -> bytes:
        if self._alert and not self.closed:
            try:
                self._tls.unwrap()
            except ssl.SSLError:
                pass  # it would read the server's
        return self._to.read()

    def receive(self, data: bytes) -> None:
        self._from.write(data)
        try:
            while self._ready and (more := self._tls.read(65536)):
                self.received += more
        except ssl.SSLWantReadError:
            return
        except ssl.SSLZeroReturnError:
            pass
        self.closed = self._ready

    def receive_end(self) -> None:
        self.ended = True
        self._port.check()

"""Sentinels: where a Redis is that they call the master."""

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure

Places = tuple[tuple[str, int], ...]


class SentinelEndpoint:
    """Connects to whatever the first Sentinel that answers calls the master. (txredisapi's knows no TLS to it.)

    :param master: its name
    :param sentinels: host and port of each
    :param reach: gives an endpoint that connects to a Sentinel's host and port within so many seconds
    :param reached_at: the same for the master's
    """

    def __init__(
        self,
        master: str,
        sentinels: Places,
        reach: Callable[..., Any],
        reached_at: Callable[..., Any],
        timeout: float,
    ) -> None:
        self._master, self._sentinels, self._timeout = master, sentinels, timeout
        self._reach, self._reached_at = reach, reached_at

    @inlineCallbacks
    def connect(self, factory: Factory) -> Any:
        """Fails with ConnectionError when no Sentinel knows the master."""
        from twisted.internet import reactor

        reasons = []
        for host, port in self._sentinels:
            try:
                question = yield self._reach(host, port, self._timeout).connect(_Questions(self._master))
                try:
                    place = yield question.answer.addTimeout(self._timeout, reactor)
                finally:
                    question.transport.abortConnection()
            except Exception as error:
                reasons.append(f"{host}:{port}: {error}")
                continue
            return (yield self._reached_at(place[0], place[1], self._timeout).connect(factory))
        raise ConnectionError(f"no Sentinel names the master {self._master!r} ({'; '.join(reasons)})")


class _Questions(Factory):
    noisy = False

    def __init__(self, master: str) -> None:
        self._master = master

    def buildProtocol(self, addr: object) -> Protocol:
        return _Question(self._master.encode())


class _Question(Protocol):
    """One question to a Sentinel; its answer is small: ``*2 $n host $n port``, or ``*-1``."""

    transport: Any

    def __init__(self, master: bytes) -> None:
        self.answer: Deferred[tuple[str, int]] = Deferred()
        self._master = master
        self._received = b""

    def connectionMade(self) -> None:
        question = b"*3\r\n$8\r\nSENTINEL\r\n$23\r\nget-master-addr-by-name\r\n$%d\r\n%b\r\n"
        self.transport.write(question % (len(self._master), self._master))

    def dataReceived(self, data: bytes) -> None:
        self._received += data
        lines = self._received.split(b"\r\n")
        if self.answer.called or len(lines) < 2 or (lines[0] == b"*2" and len(lines) < 6):
            return
        if lines[0] == b"*2":
            self.answer.callback((lines[2].decode(), int(lines[4])))
        else:
            self.answer.errback(ConnectionError("it does not know this master"))

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if not self.answer.called:
            self.answer.errback(reason)

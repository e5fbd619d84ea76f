"""One POST request: where it goes, how many there are at one time, and how much of an answer is taken."""

from collections.abc import Sequence
from typing import Any

from twisted.internet import defer
from twisted.internet.defer import Deferred, DeferredSemaphore
from twisted.internet.protocol import Factory, Protocol
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.web.client import URI, Agent, HTTPConnectionPool
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgentEndpointFactory, IBodyProducer
from zope.interface import implementer

from filtered_websocket.chain.interfaces import Server
from filtered_websocket.filters.shared.public_addresses import Endpoint

MAX_POSTS = 100
"""Under way at one time, of all apps of a server."""
MAX_WAITING_IN_ALL = 64 * 1024 * 1024
"""Bytes of events that wait to be told, of all apps of a server."""
ANSWER_SECONDS = 10.0
"""For one attempt: resolving, connecting, TLS and the head of the answer; and once more for the rest of the answer."""
MAX_ANSWER = 64 * 1024
"""Bytes of an answer that are read, head and body, and dropped, so that it ends in good order."""

Request = tuple[bytes, Sequence[tuple[str, str]]]
"""Body and headers."""


class TooLarge(Exception):  # noqa: N818 - what it is
    """The answer's head does not end within `MAX_ANSWER`."""


class Posts:
    """The requests of one server that are under way.

    :ivar waiting: bytes of events that are yet to be told
    """

    def __init__(self, most: int = MAX_POSTS) -> None:
        self.waiting = 0
        self._slots = DeferredSemaphore(most)

    @classmethod
    def of(cls, server: Server) -> "Posts":
        """Those of a server, which the packs of all its pipelines share."""
        posts: Posts = server.__dict__.setdefault("posts", cls())
        return posts

    async def post(self, reactor: Any, url: str, request: Request, private: bool) -> int:
        """The status of the answer to a request, which waits until it may be sent.

        :raises Forbidden: it may not go there
        :raises TooLarge: the answer has no end
        """
        await self._slots.acquire()
        try:
            return await _post(reactor, url, request, private)
        finally:
            self._slots.release()


async def _post(reactor: Any, url: str, request: Request, private: bool) -> int:
    body, headers = request
    endpoints = _Endpoints(reactor, private)
    agent = Agent.usingEndpointFactory(reactor, endpoints, HTTPConnectionPool(reactor, persistent=False))
    fields = Headers()
    for name, value in headers:
        fields.addRawHeader(name, value)
    asked = agent.request(b"POST", url.encode("ascii"), fields, _Body(body))
    try:
        answer: Any = await asked.addTimeout(ANSWER_SECONDS, reactor)
    except Exception:
        if endpoints.too_large:
            raise TooLarge from None
        raise
    drop = _Drop()
    answer.deliverBody(drop)
    try:
        # Else answers without an end would hold a connection each.
        await drop.ended.addTimeout(ANSWER_SECONDS, reactor)
    except defer.TimeoutError:
        drop.transport.loseConnection()
    return int(answer.code)


@implementer(IAgentEndpointFactory)
class _Endpoints:
    """Connections of one request, on each of which an answer may have so many bytes.

    :ivar too_large: one had more
    """

    def __init__(self, reactor: Any, private: bool) -> None:
        self._reactor, self._private = reactor, private
        self.too_large = False

    def endpointForURI(self, uri: URI) -> "_Endpoints":
        self._endpoint = Endpoint(self._reactor, uri, self._private)
        return self

    def connect(self, factory: Factory) -> Deferred[Any]:
        bounded: Any = WrappingFactory(factory)
        bounded.noisy, bounded.protocol, bounded.endpoints = False, _Bounded, self
        connected = self._endpoint.connect(bounded)
        return connected.addCallback(lambda wrapper: wrapper.wrappedProtocol)


class _Bounded(ProtocolWrapper):
    """Counts what comes: Twisted's client would keep a head without an end, line by line."""

    factory: Any
    _left = MAX_ANSWER

    def dataReceived(self, data: bytes) -> None:
        self._left -= len(data)
        if self._left < 0:
            self.factory.endpoints.too_large = True
            self.abortConnection()
        else:
            super().dataReceived(data)


@implementer(IBodyProducer)
class _Body:
    def __init__(self, body: bytes) -> None:
        self._body = body
        self.length = len(body)

    def startProducing(self, consumer: Any) -> Deferred[None]:
        consumer.write(self._body)
        done: Deferred[None] = Deferred()
        done.callback(None)
        return done

    def pauseProducing(self) -> None:
        """It is all written at once."""

    resumeProducing = stopProducing = pauseProducing


class _Drop(Protocol):
    """The body of an answer."""

    transport: Any

    def __init__(self) -> None:
        self.ended: Deferred[None] = Deferred()

    def connectionLost(self, reason: Any = None) -> None:
        if not self.ended.called:
            self.ended.callback(None)

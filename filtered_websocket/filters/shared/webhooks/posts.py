"""One POST request: where it goes, how many there are at one time, and how much of an answer is taken."""

from collections.abc import Sequence
from typing import Any

from twisted.internet import defer
from twisted.internet.defer import Deferred, DeferredSemaphore
from twisted.internet.protocol import Factory, Protocol
from twisted.web.client import URI, Agent, HTTPConnectionPool
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgentEndpointFactory
from zope.interface import implementer

from filtered_websocket.chain.interfaces import Server
from filtered_websocket.filters.shared.http_client.body import Body
from filtered_websocket.filters.shared.http_client.bounded import BoundedFactory, TooLarge
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
    asked = agent.request(b"POST", url.encode("ascii"), fields, Body(body))
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
        self._bounded: BoundedFactory | None = None

    @property
    def too_large(self) -> bool:
        return self._bounded is not None and self._bounded.too_large

    def endpointForURI(self, uri: URI) -> "_Endpoints":
        self._endpoint = Endpoint(self._reactor, uri, self._private)
        return self

    def connect(self, factory: Factory) -> Deferred[Any]:
        bounded: Any = BoundedFactory(factory, MAX_ANSWER)
        self._bounded = bounded
        connected = self._endpoint.connect(bounded)
        return connected.addCallback(lambda wrapper: wrapper.wrappedProtocol)


class _Drop(Protocol):
    """The body of an answer."""

    transport: Any

    def __init__(self) -> None:
        self.ended: Deferred[None] = Deferred()

    def connectionLost(self, reason: Any = None) -> None:
        if not self.ended.called:
            self.ended.callback(None)

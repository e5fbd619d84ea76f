"""Web hooks: POST requests that tell other servers what happened, in order, tried again when they fail.

Rules:

1. One destination gets one request at a time, so it hears things in their order. What happens meanwhile waits, in a
   bounded queue; what does not fit is dropped and counted.
2. An answer of 2xx is a success. Anything else is tried again after 1, 2, 4, ... seconds, `ATTEMPTS` times in all.
   Redirects are not followed: they would lead past rule 3.
3. Whoever can register a hook must not reach the network behind this server (SSRF). The name is resolved once, each
   address is looked at, and the connection is made to the address that was looked at: a name that resolves to another
   one the next time (DNS rebinding) gains nothing. An option lets private addresses in.
"""

import ipaddress
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

from twisted.internet import defer
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP6ClientEndpoint, wrapClientTLS
from twisted.internet.interfaces import IResolutionReceiver
from twisted.internet.protocol import Protocol
from twisted.internet.ssl import optionsForClientTLS
from twisted.web.client import URI, Agent, HTTPConnectionPool
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgentEndpointFactory, IBodyProducer
from zope.interface import implementer

from filtered_websocket.filters.base import start

ATTEMPTS = 6
CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 10.0
"""For one attempt: resolving, connecting, TLS and the head of the answer; and once more for the rest of the answer."""
MAX_WAITING = 1000
MAX_ANSWER = 64 * 1024
"""Bytes of an answer's body that are read, and dropped, so that it ends in good order."""

Request = tuple[bytes, Sequence[tuple[str, str]]]
"""Body and headers."""
Render = Callable[[list[Any]], Request]
"""Makes the request that tells of some events."""


class Forbidden(Exception):  # noqa: N818 - what it is
    """The destination is none that hooks may go to."""


def check_url(url: object) -> str:
    """A hook's URL.

    :raises ValueError: it is none
    """
    if not isinstance(url, str) or len(url) > 2048 or any(not "!" <= each <= "~" for each in url):
        raise ValueError("a web hook's URL is wanted, in printable ASCII")
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        good = False
    if not good or "@" in parts.netloc:
        raise ValueError("a web hook's URL is wanted: http or https, a host, and no credentials")
    return url


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet, those that carry an IPv4 address in them looked through."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if inner is None and ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
    return ip.is_global and not ip.is_multicast and not any(ip in network for network in _OWN)


_OWN = tuple(map(ipaddress.ip_network, ("::/96", "::ffff:0:0:0/96", "64:ff9b:1::/48", "fec0::/10")))
"""What Python takes for public and is none: IPv6 ways to IPv4 addresses of one's own network, and site-local ones."""
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class Webhooks:
    """The hooks of one pack in one pipeline.

    :param counters: counts what is dropped
    :param private: whether hooks may go to addresses that are not public
    """

    def __init__(self, reactor: Any, counters: Any, private: bool) -> None:
        self._reactor, self._counters, self.private = reactor, counters, private
        self._destinations: dict[Any, _Destination] = {}

    def tell(self, url: str, event: Any, render: Render, of: str = "", most: int = 1) -> None:
        """Tell of an event, some time.

        :param of: whose hook it is; hooks to one URL of different owners are different destinations
        :param most: events that one request may tell of
        """
        known = self._destinations.get((of, url))
        if known is None:
            known = self._destinations[of, url] = _Destination(self, url, render, most)
        known.add(event)

    def stop(self) -> None:
        """Give up what waits."""
        for destination in list(self._destinations.values()):
            destination.stop()

    # What a destination needs.

    def done(self, destination: "_Destination") -> None:
        for key, known in list(self._destinations.items()):
            if known is destination:
                del self._destinations[key]

    def dropped(self, reason: str, detail: str) -> None:
        self._counters.count("dropped", f"web hook: {reason}", detail)

    def later(self, seconds: float) -> Deferred[Any]:
        waited: Deferred[Any] = Deferred(lambda _: call.cancel())
        call = self._reactor.callLater(seconds, waited.callback, None)
        return waited

    async def post(self, url: str, request: Request) -> int:
        """The status of the answer to one request."""
        body, headers = request
        agent = Agent.usingEndpointFactory(
            self._reactor, _Addresses(self._reactor, self.private), HTTPConnectionPool(self._reactor, persistent=False)
        )
        fields = Headers()
        for name, value in headers:
            fields.addRawHeader(name, value)
        asked = agent.request(b"POST", url.encode("ascii"), fields, _Body(body))
        answer: Any = await asked.addTimeout(ANSWER_SECONDS, self._reactor)
        drop = _Drop()
        answer.deliverBody(drop)
        try:
            # Else answers without an end would hold a connection each.
            await drop.ended.addTimeout(ANSWER_SECONDS, self._reactor)
        except defer.TimeoutError:
            drop.transport.loseConnection()
        return int(answer.code)


class _Destination:
    """One URL, and what is to be told to it."""

    def __init__(self, hooks: Webhooks, url: str, render: Render, most: int) -> None:
        self._hooks, self._url, self._render, self._most = hooks, url, render, most
        self._waiting: deque[Any] = deque()
        self._telling: Deferred[Any] | None = None
        self._stopped = False

    def add(self, event: Any) -> None:
        if len(self._waiting) >= MAX_WAITING:
            self._hooks.dropped("too many wait", self._host)
            return
        self._waiting.append(event)
        if self._telling is None:
            # Not at once: what happens in one turn of the reactor is told together.
            telling = self._telling = start(self._tell())
            telling.addErrback(lambda _: None)

    def stop(self) -> None:
        self._waiting.clear()
        self._stopped = True
        if self._telling is not None:
            self._telling.cancel()

    @property
    def _host(self) -> str:
        # Paths and queries of hooks are often secrets.
        return urlsplit(self._url).hostname or ""

    async def _tell(self) -> None:
        try:
            await self._hooks.later(0)
            while self._waiting:
                events = [self._waiting.popleft() for _ in range(min(self._most, len(self._waiting)))]
                fault = await self._try(self._render(events))
                if fault:
                    self._hooks.dropped(fault, self._host)
        finally:
            self._telling = None
            self._hooks.done(self)

    async def _try(self, request: Request) -> str:
        """Why it failed in the end, "" if it did not."""
        fault = ""
        for attempt in range(ATTEMPTS):
            if attempt:
                await self._hooks.later(2.0 ** (attempt - 1))
            try:
                status = await self._hooks.post(self._url, request)
            except Forbidden as error:
                return str(error)
            except Exception as error:
                if self._stopped:
                    raise
                fault = type(error).__name__
                continue
            if 200 <= status < 300:
                return ""
            fault = f"status {status // 100}xx"
        return fault


@implementer(IAgentEndpointFactory)
class _Addresses:
    """Where requests go: to an address that has been looked at."""

    def __init__(self, reactor: Any, private: bool) -> None:
        self._reactor, self._private = reactor, private

    def endpointForURI(self, uri: URI) -> Any:
        return _Endpoint(self._reactor, uri, self._private)


class _Endpoint:
    def __init__(self, reactor: Any, uri: URI, private: bool) -> None:
        self._reactor, self._uri, self._private = reactor, uri, private

    def connect(self, factory: Any) -> Deferred[Any]:
        return start(self._connect(factory))

    async def _connect(self, factory: Any) -> Any:
        host = self._uri.host.decode("ascii").strip("[]")
        addresses = await resolve(self._reactor, host)
        allowed = [each for each in addresses if self._private or is_public(each)]
        if not allowed:
            raise Forbidden("the address is private" if addresses else "the name has no address")
        kind = TCP6ClientEndpoint if ":" in allowed[0] else TCP4ClientEndpoint
        endpoint: Any = kind(self._reactor, allowed[0], self._uri.port, timeout=CONNECT_SECONDS)
        if self._uri.scheme == b"https":
            endpoint = wrapClientTLS(optionsForClientTLS(host), endpoint)
        return await endpoint.connect(factory)


def resolve(reactor: Any, host: str) -> Deferred[list[str]]:
    """The addresses of a host, IPv4 first: not every machine that has IPv6 addresses has a way to the others."""
    found: Deferred[list[str]] = Deferred()

    @implementer(IResolutionReceiver)
    class Receiver:
        def __init__(self) -> None:
            self.addresses: list[str] = []

        def resolutionBegan(self, resolution: Any) -> None:
            """Nothing to be done yet."""

        def addressResolved(self, address: Any) -> None:
            self.addresses.append(address.host)

        def resolutionComplete(self) -> None:
            if not found.called:
                found.callback(sorted(dict.fromkeys(self.addresses), key=lambda each: ":" in each))

    reactor.nameResolver.resolveHostName(Receiver(), host)
    return found


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
    """What comes with an answer."""

    transport: Any

    def __init__(self) -> None:
        self._left = MAX_ANSWER
        self.ended: Deferred[None] = Deferred()

    def connectionLost(self, reason: Any = None) -> None:
        if not self.ended.called:
            self.ended.callback(None)

    def dataReceived(self, data: bytes) -> None:
        self._left -= len(data)
        if self._left < 0:
            self.transport.loseConnection()

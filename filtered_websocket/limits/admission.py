"""The door: which clients are let in, decided when a connection is accepted, before its first byte.

Rules:

1. More connections than the accept rate, or than one address may have, are refused: 503 and 429. Some at a time are
   told so, briefly, when they speak; all others are closed unanswered, so a flood holds no descriptors.
2. Behind trusted proxies a client's address is known when its request is: then WebSockets are counted, and the proxy
   guards the rest.
3. A polling session costs what a connection costs: the same rate, and the same limits, of its own. One connection can
   begin thousands of them.
4. Connections that have not yet said what they want may be more than ``max_connections``, as some of them will be plain
   HTTP, but not without end.
"""

from collections.abc import Hashable
from typing import NamedTuple, Protocol, TypeVar

from filtered_websocket.chain.interfaces import Options, Server
from filtered_websocket.limits.addresses import Addresses
from filtered_websocket.limits.rates import Bucket

MAX_TOLD = 100
"""Refused connections that wait at one time to be told; behind data filters, which would see their bytes, none."""
TOLD_SECONDS = 1.0
"""How long one of them has to speak."""
MAX_BEYOND = 1000
"""Connections beyond ``max_connections`` that may be in their handshake: to be told 503, or to ask for plain HTTP."""


class Refusal(NamedTuple):
    """What a client that is not let in is told."""

    status: int
    text: str
    reason: str
    headers: tuple[tuple[str, str], ...] = ()


PER_ADDRESS = Refusal(429, "Too Many Requests", "max_connections_per_address")
MAX_CONNECTIONS = Refusal(503, "Service Unavailable", "max_connections", (("Retry-After", "1"),))
ACCEPT_RATE = Refusal(503, "Service Unavailable", "accept_rate", (("Retry-After", "1"),))


class Arrival(Hashable, Protocol):
    """A connection that was accepted, and has said nothing yet."""

    def turn_away(self, refusal: Refusal, seconds: float) -> None:
        """Tell the client so when it speaks; it has this time to."""


A = TypeVar("A", bound=Arrival)


class Admission:
    """The door of a server.

    :param server: its options, counters and number of connections
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self.addresses = Addresses()
        self.sessions: set[str] = set()
        self.session_addresses = Addresses()
        self._told: set[Hashable] = set()
        self._rate = 0
        self._bucket: Bucket | None = None

    def configure(self, options: Options) -> None:
        """Take the accept rate; what is counted stays."""
        if options.accept_rate != self._rate:
            self._rate = rate = options.accept_rate
            self._bucket = Bucket(rate, rate, self._server.reactor.seconds()) if rate else None

    def admit(self, connection: A, peer: object) -> A | None:
        """A connection that was accepted: itself, or None to close it. It may have been turned away.

        :param peer: Twisted's address
        """
        server = self._server
        if server.countConnections >= server.options.max_connections + MAX_BEYOND:
            server.counters.count("refused", "max_connections", "unanswered")
            return None
        refusal = self._refusal(connection, getattr(peer, "host", None))
        if refusal is None:
            return connection
        server.counters.count("refused", refusal.reason, getattr(peer, "host", ""))
        if len(self._told) >= MAX_TOLD or server.has_data_filters:
            return None
        self._told.add(connection)
        connection.turn_away(refusal, TOLD_SECONDS)
        return connection

    def _refusal(self, connection: Hashable, address: str | None) -> Refusal | None:
        server = self._server
        # First: a client that has too many is not to use up the rate of others.
        if address is not None and not server.options.trusted_proxies and self._has_too_many(connection, address):
            return PER_ADDRESS
        if self._bucket is not None and not self._bucket.take(server.reactor.seconds()):
            self.addresses.leave(connection)
            return ACCEPT_RATE
        return None

    def _has_too_many(self, connection: Hashable, address: str) -> bool:
        limit = self._server.options.max_connections_per_address
        return bool(limit) and not self.addresses.enter(connection, address, limit)

    def opening(self, connection: Hashable, address: str) -> Refusal | None:
        """The request of a connection has told its client's address: why it may not open, None if it may."""
        if self._server.options.trusted_proxies and self._has_too_many(connection, address):
            return PER_ADDRESS
        return None

    def enter_session(self, sid: str, address: str) -> Refusal | None:
        """A client begins a session that no connection of its own stands for: why it may not, None if it may."""
        server, options = self._server, self._server.options
        limit, refusal = options.max_connections_per_address, None
        if len(self.sessions) >= options.max_connections:
            refusal = MAX_CONNECTIONS
        elif limit and not self.session_addresses.enter(sid, address, limit):
            refusal = PER_ADDRESS
        elif self._bucket is not None and not self._bucket.take(server.reactor.seconds()):
            self.session_addresses.leave(sid)
            refusal = ACCEPT_RATE
        if refusal is None:
            self.sessions.add(sid)
        else:
            server.counters.count("refused", refusal.reason, address)
        return refusal

    def leave_session(self, sid: str) -> None:
        """It has ended; one that was never let in is fine."""
        self.sessions.discard(sid)
        self.session_addresses.leave(sid)

    def hand_over(self, connection: Hashable, to: Hashable) -> None:
        """A connection is another protocol's from now on."""
        self.addresses.hand_over(connection, to)

    def leave(self, connection: Hashable) -> None:
        """A connection has ended."""
        self.addresses.leave(connection)
        self._told.discard(connection)

"""Where web hooks may go: to an address that has been looked at, and is the one that is connected to."""

import ipaddress
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP6ClientEndpoint
from twisted.internet.error import ConnectError
from twisted.internet.interfaces import IResolutionReceiver
from twisted.internet.protocol import Factory
from twisted.web.client import URI
from zope.interface import implementer

from filtered_websocket.chain.deferreds import start
from filtered_websocket.transport.resolving import HOOKS, Resolving
from filtered_websocket.transport.trust import Trust

CONNECT_SECONDS = 5.0


class Forbidden(Exception):  # noqa: N818 - what it is
    """The destination is none that hooks may go to."""


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


class Endpoint:
    """What a request to a URI connects to.

    :param private: whether it may be an address that is not public
    """

    def __init__(self, reactor: Any, uri: URI, private: bool) -> None:
        self._reactor, self._uri, self._private = reactor, uri, private

    def connect(self, factory: Factory) -> Deferred[Any]:
        return start(self._connect(factory))

    async def _connect(self, factory: Factory) -> Any:
        host = self._uri.host.decode("ascii").strip("[]")
        addresses = await resolve(self._reactor, host)
        allowed = [each for each in addresses if self._private or is_public(each)]
        if not allowed:
            raise Forbidden("the address is private" if addresses else "the name has no address")
        for address in allowed[:-1]:
            try:
                return await self._connect_to(address, host, factory)
            except (ConnectError, OSError):
                continue  # a name may have an address that nobody listens at: of localhost it is often one of two
        return await self._connect_to(allowed[-1], host, factory)

    def _connect_to(self, address: str, host: str, factory: Factory) -> Deferred[Any]:
        kind = TCP6ClientEndpoint if ":" in address else TCP4ClientEndpoint
        endpoint: Any = kind(self._reactor, address, self._uri.port, timeout=CONNECT_SECONDS)
        if self._uri.scheme == b"https":
            endpoint = Trust().wrap(endpoint, host)
        connecting: Deferred[Any] = endpoint.connect(factory)
        return connecting


def resolve(reactor: Any, host: str) -> Deferred[list[str]]:
    """The addresses of a host, IPv4 first: not every machine that has IPv6 addresses has a way to the others."""
    if _is_address(host):
        return succeed([host])
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

    Resolving(reactor, HOOKS).nameResolver.resolveHostName(Receiver(), host)
    return found


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True

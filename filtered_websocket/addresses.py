"""Connections by the address they come from."""

from collections import Counter
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any


@lru_cache(maxsize=1024)
def network(address: str) -> str:
    """Whom an address stands for: an IPv6 host has a /64 to itself, and an IPv4 one may be written as IPv6.

    >>> network("192.0.2.7"), network("::ffff:192.0.2.7"), network("2001:db8::1:2")
    ('192.0.2.7', '192.0.2.7', '2001:db8::/64')
    """
    try:
        found: IPv4Address | IPv6Address = ip_address(address.partition("%")[0])
    except ValueError:
        # What a trusted proxy calls its clients, whatever it is.
        return address
    if isinstance(found, IPv4Address):
        return address
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(IPv6Network((found, 64), strict=False))


class Addresses:
    """Who holds how many connections."""

    def __init__(self) -> None:
        self._held: Counter[str] = Counter()
        self._whose: dict[Any, str] = {}

    def __len__(self) -> int:
        return len(self._held)

    def enter(self, connection: Any, address: str, limit: int) -> bool:
        """Count a connection for its address, unless it has as many as it may."""
        whose = network(address)
        if self._held[whose] >= limit:
            return False
        self._held[whose] += 1
        self._whose[connection] = whose
        return True

    def hand_over(self, connection: Any, to: Any) -> None:
        """What was counted as one is the other from now on."""
        if connection in self._whose:
            self._whose[to] = self._whose.pop(connection)

    def leave(self, connection: Any) -> None:
        """It has ended; one that was never counted is fine."""
        whose = self._whose.pop(connection, None)
        if whose is not None:
            self._held[whose] -= 1
            if not self._held[whose]:
                del self._held[whose]

"""Addresses: what proxies report of their clients, which are this machine's own, how many connections each has."""

from collections import Counter
from collections.abc import Hashable
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address


@lru_cache(maxsize=1024)
def network(address: str) -> str:
    """The network that an address stands for: an IPv6 host has a /64 to itself, and an IPv4 one may be written as IPv6.

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


@lru_cache(maxsize=128)  # few, since clients choose how long a Host is
def is_loopback(name: str) -> bool:
    """Whether a host, by name or address, is this machine itself: no name server is asked, and none can lie.

    >>> is_loopback("app.localhost"), is_loopback("::ffff:127.0.0.1"), is_loopback("127.0.0.1.example")
    (True, True, False)
    """
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        found = ip_address(name)
    except ValueError:
        return False
    return bool((getattr(found, "ipv4_mapped", None) or found).is_loopback)


def is_address(name: str) -> bool:
    """Whether a host is named by its address, which no name server is asked for.

    >>> is_address("192.0.2.7"), is_address("::1"), is_address("192.0.2.7.example")
    (True, True, False)
    """
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def host_name(host: str) -> str:
    """The name in a Host header, without port and brackets, in lower case.

    >>> host_name("Example.com:9000"), host_name("[::1]:80"), host_name("[::1]")
    ('example.com', '::1', '::1')
    """
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower()


@lru_cache(maxsize=1024)
def without_port(entry: str) -> str:
    """The address in an entry of X-Forwarded-For, without the port that some proxies write behind it.

    >>> without_port("192.0.2.2:40000"), without_port("[2001:db8::1]:40000"), without_port("2001:db8::1")
    ('192.0.2.2', '2001:db8::1', '2001:db8::1')
    """
    entry = entry.strip(' \t"')
    if entry.startswith("[") or entry.count(":") == 1:
        entry = host_name(entry)
    try:
        mapped = getattr(ip_address(entry), "ipv4_mapped", None)
    except ValueError:
        return entry
    return entry if mapped is None else str(mapped)


def forwarded(header: str, proxies: int) -> str:
    """What the outermost of so many trusted proxies wrote into a list that each adds to; "" if there are fewer entries.

    >>> forwarded("6.6.6.6, 192.0.2.2, 10.0.0.1", 2)
    '192.0.2.2'
    """
    entries = header.split(",")
    return entries[-proxies].strip(" \t") if len(entries) >= proxies else ""


class Addresses:
    """How many connections each network holds. A connection is whatever is counted: a session's id, too."""

    def __init__(self) -> None:
        self._held: Counter[str] = Counter()
        self._networks: dict[Hashable, str] = {}

    def __len__(self) -> int:
        return len(self._held)

    def enter(self, connection: Hashable, address: str, limit: int) -> bool:
        """Count a connection for its address, unless it has as many as it may."""
        holder = network(address)
        if self._held[holder] >= limit:
            return False
        self._held[holder] += 1
        self._networks[connection] = holder
        return True

    def hand_over(self, connection: Hashable, to: Hashable) -> None:
        """From now on the one is counted as the other."""
        if connection in self._networks:
            self._networks[to] = self._networks.pop(connection)

    def leave(self, connection: Hashable) -> None:
        """It has ended; one that was never counted is fine."""
        holder = self._networks.pop(connection, None)
        if holder is not None:
            self._held[holder] -= 1
            if not self._held[holder]:
                del self._held[holder]

"""Addresses of sockets: as Twisted has them, as clients would write them, and what to bind a socket to."""

import os
import socket
from functools import lru_cache
from typing import Any

from twisted.internet.address import IPv4Address, IPv6Address

REMEMBERED = 128
"""Addresses that are remembered: each is asked for when a connection is accepted, and again with its request."""


def dotted(name: tuple[Any, ...]) -> tuple[Any, ...]:
    """A socket's address; that of an IPv4 peer on an IPv6 socket as it would be on an IPv4 socket."""
    host = name[0]
    return (host[7:], name[1]) if len(name) == 4 and host.startswith("::ffff:") and "." in host else name


@lru_cache(REMEMBERED)
def address(name: tuple[Any, ...]) -> IPv4Address | IPv6Address:
    """The same for Twisted."""
    name = dotted(name)
    return IPv4Address("TCP", *name) if len(name) == 2 else IPv6Address("TCP", *name)


def address_of(opened: Any, secure: bool) -> str:
    """The URL that clients would use."""
    return addresses_of(opened.socket, secure)[0]


def addresses_of(opened: socket.socket, secure: bool) -> list[str]:
    """The URLs of a listening socket: two of one that all IPv4 and IPv6 addresses have, IPv4's first."""
    scheme = "wss" if secure else "ws"
    if opened.family == socket.AF_UNIX:
        return [f"{scheme}+unix:{os.fsdecode(opened.getsockname())}"]
    host, port = opened.getsockname()[:2]
    if opened.family == socket.AF_INET:
        return [f"{scheme}://{host}:{port}"]
    url = f"{scheme}://[{host}]:{port}"
    both = host == "::" and not opened.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY)
    return [f"{scheme}://0.0.0.0:{port}", url] if both else [url]


def to_bind(host: str, port: int) -> tuple[Any, ...]:
    """What to bind a socket to. An IPv6 address may have a scope (``fe80::1%eth0``), which a pair would lose."""
    if ":" not in host:
        return host, port
    ((*_, found),) = socket.getaddrinfo(host, port, socket.AF_INET6, socket.SOCK_STREAM, 0, socket.AI_NUMERICHOST)
    bound: tuple[Any, ...] = found
    return bound

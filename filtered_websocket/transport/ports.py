"""Listening sockets of ours, on the reactor."""

import socket
from typing import Any

from twisted.internet import tcp, unix

from filtered_websocket.transport.accepted import TCPTransport, UNIXTransport
from filtered_websocket.transport.accepting import Accepting
from filtered_websocket.transport.addresses import address


class TCPPort(Accepting, tcp.Port):  # type: ignore[misc]  # its attributes, which Twisted types otherwise
    """A port of TCP. IPv4 clients keep their IPv4 address, also on a socket of both families."""

    transport = TCPTransport  # type: ignore[assignment]  # a subclass, and not typed as one

    def _buildAddr(self, name: tuple[Any, ...]) -> Any:
        return address(name)


class InternetPort(TCPPort):
    """A port of TCP that this process binds itself.

    :ivar shared: another process of ours may have the same port open
    :ivar dual: on an IPv6 socket, it is IPv4's as well
    """

    shared = dual = False

    def createInternetSocket(self) -> socket.socket:
        opened: socket.socket = super().createInternetSocket()
        if self.shared:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if self.dual and opened.family == socket.AF_INET6:
            set_dual(opened)
        return opened


class UNIXPort(Accepting, unix.Port):  # type: ignore[misc]  # as above
    """A Unix socket that is listened on."""

    transport = UNIXTransport
    opened: socket.socket

    def createInternetSocket(self) -> socket.socket:
        # Twisted forgets it when it cannot be bound; `listening` closes it then.
        self.opened = super().createInternetSocket()
        return self.opened


def has_dual_stack() -> bool:
    """Whether an IPv6 socket of this machine can take IPv4 connections as well."""
    if not socket.has_dualstack_ipv6():
        return False
    try:
        with socket.socket(socket.AF_INET6) as tried:
            set_dual(tried)
            tried.bind(("::", 0))
    except OSError:
        return False
    return True


def set_dual(opened: socket.socket) -> None:
    # The system's own default may be either (Linux: net.ipv6.bindv6only).
    opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)

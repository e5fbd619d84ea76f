"""Where the server listens: an address and port, a Unix socket, or a socket it has inherited.

No address means all: one IPv6 socket that takes IPv4 too, so that one port serves both, also one that the system
chooses; an IPv4 socket where the machine has no IPv6. IPv4 clients keep their IPv4 address (`transport.TCPPort`).
"""

import os
import socket
import stat
from typing import Any

from twisted.internet.error import CannotListenError

from filtered_websocket.errors import ConfigError
from filtered_websocket.transport import TCPPort, UNIXPort


def listen(factory: Any, host: str, port: int, backlog: int, reactor: Any, *, shared: bool = False) -> Any:
    """Open a port.

    :param host: an address ("" for all), ``unix:PATH``, or ``fd:NUMBER`` of an inherited listening socket
    :param shared: another process of ours may have the same port open
    :raises ConfigError: the address cannot be had, in one line
    """
    opened: Any
    if host.startswith("unix:"):
        opened = UNIXPort(os.fsencode(host[5:]), factory, backlog, mode=0o666, reactor=reactor, wantPID=False)
        _remove_stale(host[5:])
    elif host.startswith("fd:"):
        return _inherited(host, factory, reactor)
    else:
        opened = _Port(port, factory, backlog, "::" if not host and has_dual_stack() else host, reactor)
        opened.shared, opened.dual = shared, not host
    try:
        opened.startListening()
    except CannotListenError as error:
        if isinstance(opened, UNIXPort):
            opened.opened.close()
        reason = getattr(error.socketError, "strerror", None) or str(error.socketError)
        where = host if host.startswith("unix:") else f"port {port}{f' of {host}' if host else ''}"
        raise ConfigError(f"cannot listen on {where}: {reason}") from None
    return opened


def has_dual_stack() -> bool:
    """Whether an IPv6 socket of this machine can take IPv4 connections as well."""
    if not socket.has_dualstack_ipv6():
        return False
    try:
        with socket.socket(socket.AF_INET6) as tried:
            _set_dual(tried)
            tried.bind(("::", 0))
    except OSError:
        return False
    return True


def _set_dual(opened: socket.socket) -> None:
    # The system's own default may be either (Linux: net.ipv6.bindv6only).
    opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)


class _Port(TCPPort):
    """
    :ivar shared: another process of ours may have the same port open
    :ivar dual: on an IPv6 socket, it is IPv4's as well
    """

    shared = dual = False

    def createInternetSocket(self) -> socket.socket:
        opened = super().createInternetSocket()
        if self.shared:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if self.dual and opened.family == socket.AF_INET6:
            _set_dual(opened)
        return opened


def _remove_stale(path: str) -> None:
    """A socket that a killed server left behind is in the way; one that is being listened on is not touched."""
    try:
        if not stat.S_ISSOCK(os.stat(path).st_mode):
            return
    except OSError:
        return
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            os.unlink(path)
        except OSError:
            pass


def _inherited(host: str, factory: Any, reactor: Any) -> Any:
    try:
        number = int(host[3:])
        with socket.socket(fileno=os.dup(number)) as inherited:
            family = inherited.family
            inherited.setblocking(False)
            if not inherited.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                raise ConfigError(f"{host} is a socket, but not one that listens")
    except (OSError, ValueError):
        raise ConfigError(f"{host} is no inherited socket") from None
    kind = UNIXPort if family == socket.AF_UNIX else TCPPort
    if kind is UNIXPort:
        opened = UNIXPort._fromListeningDescriptor(reactor, number, factory)
    else:
        opened = TCPPort._fromListeningDescriptor(reactor, number, family, factory)
    opened.startListening()
    return opened


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


def bind(host: str, port: int, backlog: int) -> socket.socket:
    """A listening socket for other processes to inherit; addresses as in `listen`.

    :raises ConfigError: the address cannot be had, in one line
    """
    opened = None
    try:
        if host.startswith("fd:"):
            return socket.socket(fileno=os.dup(int(host[3:])))
        if host.startswith("unix:"):
            _remove_stale(host[5:])
            opened, address = socket.socket(socket.AF_UNIX), host[5:]
            opened.bind(address)
            os.chmod(address, 0o666)  # noqa: S103 - clients of any user may connect, as to a port
        else:
            address = "::" if not host and has_dual_stack() else host
            opened = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if address != host:
                _set_dual(opened)
            opened.bind((address, port))
        opened.listen(backlog)
    except (OSError, ValueError, OverflowError) as error:
        if opened is not None:
            opened.close()
        where = f"port {port}{f' of {host}' if host else ''}" if ":" not in host[:5] else host
        raise ConfigError(f"cannot listen on {where}: {getattr(error, 'strerror', None) or error}") from None
    opened.setblocking(False)
    return opened

"""Where the server listens: an address and port, a Unix socket, or a socket it has inherited.

No address means all: one IPv6 socket that takes IPv4 too, so that one port serves both, also one that the system
chooses; an IPv4 socket where the machine has no IPv6. IPv4 clients keep their IPv4 address (`TCPPort`).
"""

import errno
import os
import socket
import stat
from collections.abc import Callable
from typing import Any

from twisted.internet.error import CannotListenError

from filtered_websocket.errors import ConfigError
from filtered_websocket.transport.accepting import Factory
from filtered_websocket.transport.addresses import to_bind
from filtered_websocket.transport.descriptors import descriptors
from filtered_websocket.transport.ports import InternetPort, TCPPort, UNIXPort, has_dual_stack, set_dual

KEPT_BACK = 32
"""Descriptors that clients leave to the server; of a small limit, an eighth."""
ANOTHER_PORT = ": -p NUMBER, or the option port, takes another; 0 takes any that is free"


def listen(
    factory: Factory,
    host: str,
    port: int,
    backlog: int,
    reactor: Any,
    *,
    shared: bool = False,
    count: Callable[..., object] | None = None,
    for_everybody: bool = False,
) -> Any:
    """Open a port.

    :param host: an address ("" for all), ``unix:PATH``, or ``fd:NUMBER`` of an inherited listening socket
    :param shared: another process of ours may have the same port open
    :param count: `Counters.count`, for what happens to clients before and after they are a protocol's
    :param for_everybody: whether its clients leave some descriptors to the server
    :raises ConfigError: the address cannot be had, in one line
    """
    opened: Any
    made_by: Any = factory
    if host.startswith("unix:"):
        opened = UNIXPort(os.fsencode(host[5:]), made_by, backlog, mode=0o666, reactor=reactor, wantPID=False)
        _remove_stale(host[5:])
    elif host.startswith("fd:"):
        opened = _inherited(host, factory, reactor)
    else:
        opened = InternetPort(port, made_by, backlog, "::" if not host and has_dual_stack() else host, reactor)
        opened.shared, opened.dual = shared, not host
    opened.count = count
    opened.kept_back = min(KEPT_BACK, descriptors() // 8) if for_everybody else 0
    try:
        opened.startListening()
    except CannotListenError as error:
        if isinstance(opened, UNIXPort):
            opened.opened.close()
        raise cannot_listen(host, port, error.socketError, ANOTHER_PORT if for_everybody else "") from None
    return opened


def cannot_listen(host: str, port: int, error: BaseException, way_out: str = "") -> ConfigError:
    """What is said of an address that cannot be had.

    :param way_out: what to do where another program has the port
    """
    where = host if host.startswith(("unix:", "fd:")) else f"port {port}{f' of {host}' if host else ''}"
    taken = getattr(error, "errno", None) == errno.EADDRINUSE and where.startswith("port")
    return ConfigError(
        f"cannot listen on {where}: {getattr(error, 'strerror', None) or error}{way_out if taken else ''}"
    )


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


def _socket_of(number: int) -> socket.socket:
    try:
        return socket.socket(fileno=number)
    except OSError:
        os.close(number)
        raise


def _inherited(host: str, factory: Factory, reactor: Any) -> Any:
    try:
        number = int(host[3:])
        with _socket_of(os.dup(number)) as inherited:
            family = inherited.family
            inherited.setblocking(False)
            if not inherited.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                raise ConfigError(f"{host} is a socket, but not one that listens")
    except (OSError, ValueError):
        raise ConfigError(f"{host} is no inherited socket") from None
    if family == socket.AF_UNIX:
        return UNIXPort._fromListeningDescriptor(reactor, number, factory)
    return TCPPort._fromListeningDescriptor(reactor, number, family, factory)


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
            opened, path = socket.socket(socket.AF_UNIX), host[5:]
            opened.bind(path)
            os.chmod(path, 0o666)  # noqa: S103 - clients of any user may connect, as to a port
        else:
            address = "::" if not host and has_dual_stack() else host
            opened = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if address != host:
                set_dual(opened)
            opened.bind(to_bind(address, port))
        opened.listen(backlog)
    except (OSError, ValueError, OverflowError) as error:
        if opened is not None:
            opened.close()
        raise cannot_listen(host, port, error, ANOTHER_PORT) from None
    opened.setblocking(False)
    return opened

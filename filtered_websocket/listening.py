"""Where the server listens: an address and port, a Unix socket, or a socket it has inherited."""

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
        opened = (_SharedPort if shared else TCPPort)(port, factory, backlog, host, reactor)
    try:
        opened.startListening()
    except CannotListenError as error:
        if isinstance(opened, UNIXPort):
            opened.opened.close()
        reason = getattr(error.socketError, "strerror", None) or str(error.socketError)
        where = host if host.startswith("unix:") else f"port {port}{f' of {host}' if host else ''}"
        raise ConfigError(f"cannot listen on {where}: {reason}") from None
    return opened


class _SharedPort(TCPPort):
    def createInternetSocket(self) -> socket.socket:
        opened = super().createInternetSocket()
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
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
    scheme = "wss" if secure else "ws"
    host = opened.getHost()
    if not hasattr(host, "port"):
        return f"{scheme}+unix:{os.fsdecode(host.name)}"
    name = f"[{host.host}]" if ":" in host.host else host.host
    return f"{scheme}://{name}:{host.port}"


def bind(host: str, port: int, backlog: int) -> socket.socket:
    """A listening socket for other processes to inherit; addresses as in `listen`.

    :raises ConfigError: the address cannot be had, in one line
    """
    try:
        if host.startswith("fd:"):
            return socket.socket(fileno=os.dup(int(host[3:])))
        if host.startswith("unix:"):
            _remove_stale(host[5:])
            opened, address = socket.socket(socket.AF_UNIX), host[5:]
            opened.bind(address)
            os.chmod(address, 0o666)  # noqa: S103 - clients of any user may connect, as to a port
        else:
            opened = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            opened.bind((host, port))
        opened.listen(backlog)
    except (OSError, ValueError) as error:
        where = f"port {port}{f' of {host}' if host else ''}" if ":" not in host[:5] else host
        raise ConfigError(f"cannot listen on {where}: {getattr(error, 'strerror', None) or error}") from None
    opened.setblocking(False)
    return opened

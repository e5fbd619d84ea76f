"""Where the server listens: an address and port, a Unix socket, or a socket it has inherited; and how it accepts.

No address means all: one IPv6 socket that takes IPv4 too, so that one port serves both, also one that the system
chooses; an IPv4 socket where the machine has no IPv6. IPv4 clients keep their IPv4 address (`TCPPort`).

A process that has no descriptor left refuses: the client is closed at once, counted, and the port goes on. Clients of a
port that is for everybody leave a few descriptors to what the server needs itself: its storage, its log, the port for
its operator, the files of a reload.
"""

import errno
import os
import resource
import socket
import stat
import sys
from collections.abc import Callable
from typing import Any

from twisted.internet import tcp, unix
from twisted.internet.error import CannotListenError
from twisted.logger import Logger

from filtered_websocket.errors import ConfigError
from filtered_websocket.transport.streams import TCPTransport, UNIXTransport, address

_log = Logger()

AT_ONCE = 100
"""Connections that a port accepts in one turn of the reactor."""
KEPT_BACK = 32
"""Descriptors that clients leave to the server; of a small limit, an eighth."""
PAUSE = 0.1
"""Seconds a port rests when nothing can be accepted, not even to be closed."""
SELECT, SELECT_MOST = "SelectReactor", 1024
"""Descriptors that `select` can look at (FD_SETSIZE): 0 to 1,023."""

_NONE_LEFT = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


def descriptors() -> int:
    """How many this process may have."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return sys.maxsize if soft == resource.RLIM_INFINITY else soft


def raise_descriptors(reactor: str) -> None:
    """A connection is a descriptor: take as many as the system lets this process have, and its reactor can look at.

    :param reactor: its class's name
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    soft = hard
    if reactor == SELECT:
        soft = SELECT_MOST if hard == resource.RLIM_INFINITY else min(hard, SELECT_MOST)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


class _Accepting:
    """A port of ours. Mixed in before Twisted's class, which logs every client that it cannot accept, and counts none.

    :ivar count: told what happens to clients here: what, reason, the client's address (`Counters.count`)
    :ivar kept_back: how many descriptors its clients leave to others
    :ivar lingering: connections of this port that are over, and whose peers have yet to close their side
    """

    count: Callable[..., object] | None = None
    lingering = 0
    kept_back = 0
    factory: Any
    socket: Any
    transport: Any
    reactor: Any
    sessionno: int
    connected: bool
    _buildAddr: Callable[[Any], Any]
    startReading: Callable[[], None]
    stopReading: Callable[[], None]
    _spare: int | None = None

    def startListening(self) -> None:
        super().startListening()  # type: ignore[misc]
        self._most = descriptors()
        self._reserve()

    def doRead(self) -> None:
        accept, most = self.socket.accept, self._most - self.kept_back
        for _ in range(AT_ONCE):
            try:
                opened, name = accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in _NONE_LEFT:
                    self._none_left(error)
                    return
                continue  # the fault of that one connection: accept(2), "Error handling"
            if opened.fileno() >= most:
                self._refuse(opened, name)
                continue
            try:
                self._serve(opened, name)
            except Exception:
                _log.failure("a connection could not be served")
                opened.close()

    def _serve(self, opened: Any, name: Any) -> None:
        if len(name) == 4 and opened.family == socket.AF_INET6 and name[3]:
            host, _ = socket.getnameinfo(name, socket.NI_NUMERICHOST | socket.NI_NUMERICSERV)  # with its scope
            name = (host, *name[1:])
        protocol = self.factory.buildProtocol(self._buildAddr(name))
        if protocol is None:
            opened.close()
            return
        self.sessionno += 1
        protocol.makeConnection(self.transport(opened, protocol, name, self, self.sessionno, self.reactor))

    def _refuse(self, opened: Any, name: Any) -> None:
        opened.close()
        self._count_refused(str(name[0]) if isinstance(name, tuple) else "unix")

    def _count_refused(self, detail: str) -> None:
        if self.count is not None:
            self.count("refused", "out of descriptors", detail)

    def _none_left(self, error: OSError) -> None:
        """Close those who wait in the kernel, each on the descriptor that is kept for this; without it, rest."""
        for _ in range(AT_ONCE if self._spare is not None and error.errno == errno.EMFILE else 0):
            self._release()
            try:
                self._refuse(*self.socket.accept())
            except OSError:
                self._reserve()
                return
            self._reserve()
            if self._spare is None:
                break
        self._count_refused(error.strerror or "")
        self.stopReading()
        self.reactor.callLater(PAUSE, self._go_on)

    def _go_on(self) -> None:
        if self.connected:
            self._reserve()
            self.startReading()

    def _reserve(self) -> None:
        if self._spare is None:
            try:
                self._spare = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
            except OSError:
                pass  # asked for again

    def _release(self) -> None:
        if self._spare is not None:
            os.close(self._spare)
            self._spare = None

    def connectionLost(self, reason: Any) -> None:
        self._release()
        super().connectionLost(reason)  # type: ignore[misc]


class TCPPort(_Accepting, tcp.Port):  # type: ignore[misc]  # its attributes, which Twisted types otherwise
    transport = TCPTransport  # type: ignore[assignment]  # a subclass, and not typed as one

    def _buildAddr(self, name: tuple[Any, ...]) -> Any:
        return address(name)


class UNIXPort(_Accepting, unix.Port):  # type: ignore[misc]  # as above
    transport = UNIXTransport
    opened: socket.socket

    def createInternetSocket(self) -> socket.socket:
        # Twisted forgets it when it cannot be bound; whoever asked for it closes it then.
        self.opened = super().createInternetSocket()
        return self.opened


def listen(
    factory: Any,
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
    if host.startswith("unix:"):
        opened = UNIXPort(os.fsencode(host[5:]), factory, backlog, mode=0o666, reactor=reactor, wantPID=False)
        _remove_stale(host[5:])
    elif host.startswith("fd:"):
        opened = _inherited(host, factory, reactor)
    else:
        opened = _Port(port, factory, backlog, "::" if not host and has_dual_stack() else host, reactor)
        opened.shared, opened.dual = shared, not host
    opened.count = count
    opened.kept_back = min(KEPT_BACK, descriptors() // 8) if for_everybody else 0
    try:
        opened.startListening()
    except CannotListenError as error:
        if isinstance(opened, UNIXPort):
            opened.opened.close()
        raise cannot_listen(host, port, error.socketError) from None
    return opened


def to_bind(host: str, port: int) -> tuple[Any, ...]:
    """What to bind a socket to. An IPv6 address may have a scope (``fe80::1%eth0``), which a pair would lose."""
    if ":" not in host:
        return host, port
    ((*_, found),) = socket.getaddrinfo(host, port, socket.AF_INET6, socket.SOCK_STREAM, 0, socket.AI_NUMERICHOST)
    return found


def cannot_listen(host: str, port: int, error: BaseException) -> ConfigError:
    """What is said of an address that cannot be had."""
    where = host if host.startswith(("unix:", "fd:")) else f"port {port}{f' of {host}' if host else ''}"
    return ConfigError(f"cannot listen on {where}: {getattr(error, 'strerror', None) or error}")


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
            opened, path = socket.socket(socket.AF_UNIX), host[5:]
            opened.bind(path)
            os.chmod(path, 0o666)  # noqa: S103 - clients of any user may connect, as to a port
        else:
            address = "::" if not host and has_dual_stack() else host
            opened = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if address != host:
                _set_dual(opened)
            opened.bind(to_bind(address, port))
        opened.listen(backlog)
    except (OSError, ValueError, OverflowError) as error:
        if opened is not None:
            opened.close()
        raise cannot_listen(host, port, error) from None
    opened.setblocking(False)
    return opened

"""Ends of connections that are not read now. A reactor tells only those that read of an end."""

from collections.abc import Callable
from select import EPOLLERR, EPOLLET, EPOLLHUP, EPOLLRDHUP, epoll
from typing import Any, Protocol

from twisted.logger import Logger
from twisted.python.failure import Failure

_log = Logger()


class Watched(Protocol):
    """A stream whose end is watched."""

    fileno: Callable[[], int]

    def peer_ended(self, both: bool) -> None:
        """The peer has ended what is not read.

        :param both: there is no writing to it any more either
        """


class Ends:
    """An epoll of such connections, which the reactor watches: so it works on any reactor."""

    def __init__(self, reactor: Any) -> None:
        self._poller = epoll()
        self._streams: dict[int, Watched] = {}
        self.fileno = self._poller.fileno
        self._reactor = reactor
        reactor.addReader(self)

    def watch(self, stream: Watched, half: bool) -> None:
        """
        :param half: whether the peer's end alone is one (a FIN), not only that of both (a reset)
        """
        fd = stream.fileno()
        self._poller.register(fd, (EPOLLRDHUP if half else 0) | EPOLLET)
        self._streams[fd] = stream

    def forget(self, stream: Watched) -> None:
        fd = stream.fileno()
        if self._streams.get(fd) is stream:
            del self._streams[fd]
            if not self._poller.closed:
                self._poller.unregister(fd)

    def doRead(self) -> None:
        for fd, event in self._poller.poll(0):
            stream = self._streams.get(fd)
            if stream is None:
                continue
            try:
                stream.peer_ended(bool(event & (EPOLLHUP | EPOLLERR)))
            except Exception:
                # Each end is told once: one that fails takes nobody else's.
                _log.failure("a connection has failed at its end")

    def connectionLost(self, reason: Failure) -> None:
        """The reactor ends."""
        _ends.pop(self._reactor, None)
        self._poller.close()

    def logPrefix(self) -> str:
        return "ends"


_ends: dict[Any, Ends] = {}


def ends_of(reactor: Any) -> Ends:
    """The one of a reactor, made when it is first wanted."""
    return _ends.get(reactor) or _ends.setdefault(reactor, Ends(reactor))

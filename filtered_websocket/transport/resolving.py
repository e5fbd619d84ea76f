"""The addresses of hosts that the server itself connects to, found in threads that nobody else fills.

Twisted asks the system for a name's addresses in the reactor's pool of threads. That is the pool of ``deferToThread``
too: ten filters in it that take long would keep a server from its Redis for as long. And names that users choose, of
web hooks, may belong to a name server that does not answer: they have a pool apart from that of names in the
configuration.
"""

from collections.abc import Callable
from functools import partial
from threading import Thread
from typing import Any

from twisted.internet._resolver import GAIResolver
from twisted.internet.interfaces import IReactorPluggableNameResolver
from twisted.python.threadpool import ThreadPool
from zope.interface import implementer

THREADS = 10
"""Names of one purpose that are asked for at a time; more wait."""


class Pool:
    """Threads of one purpose, begun when first wanted. As daemons they end with the process, whatever they wait for."""

    def __init__(self, purpose: str) -> None:
        self._purpose = purpose
        self._threads: ThreadPool | None = None

    def __call__(self) -> ThreadPool:
        if self._threads is None:
            self._threads = ThreadPool(0, THREADS, f"names of {self._purpose}")
            self._threads.threadFactory = partial(Thread, daemon=True)  # type: ignore[assignment]  # one that makes them
            self._threads.start()
        return self._threads


STORAGE, HOOKS = Pool("storage"), Pool("web hooks")


@implementer(IReactorPluggableNameResolver)
class Resolving:
    """A reactor, for Twisted's endpoints, that resolves names in the threads of a pool.

    :param pool: gives the pool
    """

    def __init__(self, reactor: Any, pool: Callable[[], ThreadPool]) -> None:
        self._reactor = reactor
        self.nameResolver: Any = GAIResolver(reactor, pool)

    def installNameResolver(self, resolver: Any) -> Any:
        """As of a reactor: gives the one before."""
        before, self.nameResolver = self.nameResolver, resolver
        return before

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reactor, name)

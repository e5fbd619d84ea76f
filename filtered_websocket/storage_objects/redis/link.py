"""A connection to one Redis that is always there or on its way.

txredisapi's factories are not used: they end all attempts for good after a failed AUTH.
"""

import random
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory
from twisted.python.failure import Failure

from filtered_websocket.errors import ConfigError
from filtered_websocket.storage_objects.redis.address import Address
from filtered_websocket.storage_objects.redis.connection import RedisConnection

_clock: Any = reactor

FIRST_DELAY, LONGEST_DELAY = 0.05, 1.0
"""Seconds between attempts: doubled from the first to the longest, and less by chance, so that nodes do not march in
step."""


Kind = TypeVar("Kind", bound=RedisConnection)


class Link(Generic[Kind]):
    """One connection that is made again whenever it is lost, until ``stop``.

    :param kind: the class of the connection
    :param prefix: of all keys
    :param timeout: seconds to connect in, and again to greet in
    :param up: called when there is a connection that can be used
    :param down: called when one that could be used is lost
    :param tell: called with the reason whenever there is none
    :param impossible: called when there can never be one that is of use; whether that ends the attempts
    :ivar connection: the connection, when it can be used, else None
    """

    def __init__(
        self,
        address: Address,
        kind: type[Kind],
        prefix: bytes,
        timeout: float,
        *,
        up: Callable[[], None],
        down: Callable[[], None],
        tell: Callable[[str], None],
        impossible: Callable[[ConfigError], bool],
    ) -> None:
        self._address, self._kind, self._up, self._down, self.refused = address, kind, up, down, tell
        self._prefix, self._timeout, self._impossible = prefix, timeout, impossible
        self._attempts = 0
        self._stopped = self._aborted = False
        self._connecting: Deferred[Any] | None = None
        self._retry: Any = None
        self._deadline: Any = None
        self._ended: list[Deferred[None]] = []
        self._connection: Kind | None = None
        self.connection: Kind | None = None

    def start(self) -> None:
        self._retry = None
        try:
            endpoint = self._address.endpoint(self._timeout)
        except Exception:  # a file of authorities that cannot be read
            self._failed(Failure())
            return
        self._connecting = endpoint.connect(_Once(self))
        self._connecting.addCallbacks(lambda _: setattr(self, "_connecting", None), self._failed)

    def stop(self) -> Deferred[None]:
        """Fires when it is closed."""
        self._stopped = True
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None
        if self._connecting is not None:
            self._connecting.cancel()
        ended: Deferred[None] = Deferred()
        if self._connection is None:
            ended.callback(None)
        else:
            self._ended.append(ended)
            if self._deadline.active():
                self._deadline.cancel()  # that of a greeting
            # What was asked goes out first; a Redis that takes none of it is not waited for.
            self._connection.flush()
            self._connection.transport.loseConnection()
            self._deadline = _clock.callLater(self._timeout, self.abort)
        return ended

    def abort(self) -> None:
        """Throw the connection away, whatever state it is in; another is made."""
        if self._connection is not None:
            self._aborted = True
            self._connection.transport.abortConnection()

    def settled(self) -> None:
        """All is well: a lost connection is tried again without delay."""
        self._attempts = 0

    def build(self) -> Kind:
        connection = self._connection = self._kind()
        self._aborted = False
        connection.link, connection.address, connection.prefix = self, self._address, self._prefix
        # A frozen Redis accepts connections, in the kernel, and says nothing.
        self._deadline = _clock.callLater(self._timeout, self._too_late)
        return connection

    def impossible(self, error: ConfigError) -> None:
        if not self._impossible(error):
            self.refused(str(error))

    def usable(self, connection: RedisConnection) -> None:
        self._deadline.cancel()
        self.connection = self._connection
        self._up()

    def lost(self, connection: RedisConnection, why: Failure) -> None:
        if connection is not self._connection:
            return
        was_usable, self.connection, self._connection = self.connection is connection, None, None
        if self._deadline.active():
            self._deadline.cancel()
        if not self._aborted:  # why it was aborted has been told
            self.refused(why.getErrorMessage())
        if was_usable:
            self._down()
        self._again()

    def _failed(self, failure: Failure) -> None:
        self._connecting = None
        self.refused(failure.getErrorMessage())
        self._again()

    def _too_late(self) -> None:
        self.refused(f"it accepts connections, but has not answered within {self._timeout:g} s")
        self.abort()

    def _again(self) -> None:
        ended, self._ended = self._ended, []
        for waiting in ended:
            waiting.callback(None)
        if self._stopped or self._retry is not None:
            return
        delay = min(FIRST_DELAY * 2 ** min(self._attempts, 10), LONGEST_DELAY)
        self._attempts += 1
        self._retry = _clock.callLater(delay * random.uniform(0.5, 1.0), self.start)  # noqa: S311 -- no secret


class _Once(Factory):
    """A factory for one connection of a link."""

    noisy = False

    def __init__(self, link: Link[Any]) -> None:
        self._link = link

    def buildProtocol(self, addr: object) -> RedisConnection:
        connection: RedisConnection = self._link.build()
        connection.factory = self
        return connection

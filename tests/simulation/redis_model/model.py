"""The model of Redis, as a storage object meets it: connections to it, and what may go wrong with them.

It has no threads and no sockets, and waits for nothing: what is written to it is done at once, and the answer comes by
the clock of the node that asked. So it does the same every time.
"""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionLost, ConnectionRefusedError
from twisted.internet.interfaces import IAddress
from twisted.python.failure import Failure
from zope.interface import implementer

from filtered_websocket.storage_objects.redis import StorageObject
from tests.simulation.redis_model.connection import Connection
from tests.simulation.redis_model.keyspace import Keyspace
from tests.simulation.redis_model.redis import Redis

BEGINNING = 1_800_000_000
"""Seconds since 1970: when the clock of every model begins."""


class RedisModel:
    """
    :param seconds: gives the time, from whatever beginning
    :ivar redis: what does the commands
    :ivar delay: seconds by which answers and messages come later
    :ivar is_away: it refuses connections
    :ivar is_frozen: it takes connections and what they bring, and does nothing
    """

    def __init__(self, seconds: Callable[[], float], seed: int = 0) -> None:
        self.seconds = seconds
        self._begun, self._set_on = seconds(), 0.0
        self.redis = Redis(seed, self._microseconds)
        self.is_away = self.is_frozen = False
        self.delay = 0.0
        self._losing: tuple[Any, bytes | None] | None = None
        self._connections: dict[Connection, None] = {}

    @property
    def data(self) -> Keyspace:
        return self.redis.data

    def storage(self, reactor: Any, **settings: Any) -> StorageObject:
        """A storage object of one node on this Redis, not started.

        :param reactor: the node's, by whose clock it is answered
        :param settings: options of Redis storage that are not to have their defaults
        """
        options = {option.name: option.default for option in StorageObject.OPTIONS} | settings

        def reach(host: str, port: int, timeout: float) -> _Endpoint:
            return _Endpoint(self, reactor)

        return StorageObject(SimpleNamespace(**options), reach)

    # What goes wrong.

    def go_away(self) -> None:
        """No connection any more, until it comes back."""
        self.is_away = True
        self.cut()

    def come_back(self) -> None:
        self.is_away = False

    def freeze(self) -> None:
        """Nothing is done or told any more of what comes, until it thaws and does it all."""
        self.is_frozen = True

    def thaw(self) -> None:
        self.is_frozen = False
        for connection in list(self._connections):
            connection.read()

    def slow(self, seconds: float) -> None:
        """What it tells from now on comes so much later, in order; 0: as before."""
        self.delay = seconds

    def lose_answer(self, reactor: Any = None, verb: bytes | None = None) -> None:
        """The next command is done, but its connection ends in place of the answer.

        :param reactor: of the node whose command it is; None: whichever
        :param verb: its name; None: whichever
        """
        self._losing = reactor, verb

    def fail_over(self, lost: int | None, cut: bool = True) -> None:
        """Another Redis takes its place: one without the last writes.

        :param lost: how many; None: all, as after a restart without a disk
        :param cut: and connections to the old one end
        """
        self.redis.promote(lost)
        if cut:
            self.cut()

    def cut(self, reactor: Any = None, subscribers_only: bool = False) -> None:
        """End connections.

        :param reactor: of the node whose they are; None: all
        :param subscribers_only: but for those that do not subscribe
        """
        for connection in list(self._connections):
            if (reactor is None or reactor is connection.reactor) and (connection.listens or not subscribers_only):
                connection.end(ConnectionLost())

    def set_clock(self, seconds: float) -> None:
        """Redis's clock jumps by so much, forward or back."""
        self._set_on += seconds

    # What connections ask.

    def connect(self, reactor: Any, factory: Any) -> Any:
        """The protocol that is connected."""
        connection = Connection(self, reactor)
        self._connections[connection] = None
        connection.protocol = factory.buildProtocol(_Here())
        connection.protocol.makeConnection(connection)
        return connection.protocol

    def forget(self, connection: Connection) -> None:
        self._connections.pop(connection, None)
        self.redis.bus.forget(connection)

    def loses(self, connection: Connection, name: bytes) -> bool:
        """Whether the answer to this command is to be lost."""
        if self._losing is None:
            return False
        reactor, verb = self._losing
        if not (reactor is None or reactor is connection.reactor) or verb not in (None, name):
            return False
        self._losing = None
        return True

    def _microseconds(self) -> int:
        return round((BEGINNING + self.seconds() - self._begun + self._set_on) * 1_000_000)


@implementer(IAddress)
class _Here:
    """Where it is: nowhere else."""


class _Endpoint:
    def __init__(self, model: RedisModel, reactor: Any) -> None:
        self._model, self._reactor = model, reactor

    def connect(self, factory: Any) -> Deferred[Any]:
        answer: Deferred[Any] = Deferred(lambda _: attempt.cancel())

        def begin() -> None:
            if self._model.is_away:
                answer.errback(Failure(ConnectionRefusedError()))
            else:
                answer.callback(self._model.connect(self._reactor, factory))

        attempt = self._reactor.callLater(0, begin)
        return answer

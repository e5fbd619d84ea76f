"""The way between one node and the model, and what goes wrong on it."""

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionLost, ConnectionRefusedError
from twisted.internet.interfaces import IAddress
from twisted.python.failure import Failure
from zope.interface import implementer

from tests.simulation.redis_model.connection import Connection, Model


class Way:
    """What a storage object reaches the model by.

    :param reactor: the node's, by whose clock it is told
    :ivar delay: seconds by which answers and messages come later
    :ivar lose_answers: so many answers are lost: the command is done, and its connection ends
    :ivar losing: the name of the commands whose answers these are; None: whichever
    :ivar on_loss: called when one is
    :ivar is_away: no connection can be made
    """

    def __init__(self, model: Model, reactor: Any) -> None:
        self.model, self.reactor = model, reactor
        self.delay = 0.0
        self.lose_answers = 0
        self.losing: bytes | None = None
        self.on_loss: Callable[[], object] = lambda: None
        self.is_away = False
        self.connections: dict[Connection, None] = {}

    def reach(self, host: str, port: int, timeout: float) -> "_Endpoint":
        """What connects there."""
        return _Endpoint(self)

    def connect(self, factory: Any) -> Any:
        """The protocol that is connected."""
        connection = Connection(self)
        self.connections[connection] = None
        connection.protocol = factory.buildProtocol(_Here())
        connection.protocol.makeConnection(connection)
        return connection.protocol

    def go_away(self) -> None:
        """No connection any more, until it comes back."""
        self.is_away = True
        self.cut()

    def come_back(self) -> None:
        self.is_away = False

    def cut(self, subscribers_only: bool = False) -> None:
        """End the connections.

        :param subscribers_only: those that subscribe
        """
        for connection in list(self.connections):
            if connection.listens or not subscribers_only:
                connection.end(ConnectionLost())

    def slow(self, seconds: float) -> None:
        """What is told from now on comes so much later, in order; 0: as before."""
        self.delay = seconds

    def lose_answer(self, verb: bytes | None = None) -> None:
        """The next command is done, but its connection ends in place of the answer.

        :param verb: its name; None: whichever
        """
        self.lose_answers, self.losing = self.lose_answers + 1, verb

    def loses(self, name: bytes) -> bool:
        """Whether the answer to this command is lost."""
        if not self.lose_answers or self.losing not in (None, name):
            return False
        self.lose_answers -= 1
        self.on_loss()
        return True

    def call(self, delay: float, function: Any) -> Any:
        """Have it called in the node's own turn; the timer for that, if there is one."""
        if delay > 0:
            return self.reactor.callLater(delay, function)
        return self.reactor.callFromThread(function)


@implementer(IAddress)
class _Here:
    """Where it is: nowhere else."""


class _Endpoint:
    def __init__(self, way: Way) -> None:
        self._way = way

    def connect(self, factory: Any) -> Deferred[Any]:
        answer: Deferred[Any] = Deferred()

        def begin() -> None:
            if answer.called:
                return  # nobody waits for it any more
            if self._way.is_away:
                answer.errback(Failure(ConnectionRefusedError()))
            else:
                answer.callback(self._way.connect(factory))

        self._way.call(0, begin)
        return answer

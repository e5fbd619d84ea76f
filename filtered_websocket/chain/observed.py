"""A connection that somebody looks at, of whatever kind: it tells an observer what it receives, runs and sends.

It is observed by being given another class, and no more by being given back its own: what nobody looks at runs not one
instruction more. What is mixed in for that, each kind of connection says itself (`Observable`).
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from queue import Queue
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from twisted.internet.defer import Deferred

from filtered_websocket.chain.interfaces import Connection, Server
from filtered_websocket.chain.running import Step
from filtered_websocket.chain.storage import Storage
from filtered_websocket.chain.user import Named
from filtered_websocket.messages.message import Message
from filtered_websocket.messages.publication import Position


class Observer(Protocol):
    """What looks at a connection. It must not raise."""

    def received(self, payload: bytes | bytearray, binary: bool) -> None: ...
    def sent(self, messages: Sequence[Message]) -> None: ...
    def calls(self, name: str, arguments: dict[str, Any]) -> None: ...
    def ended(self, code: int | None, reason: str | None) -> None: ...
    def moved(self) -> None:
        """Its client goes on with another connection, of the same id."""

    def running(self, event: str) -> AbstractContextManager[object]:
        """The chain of this event runs within."""

    def chain(self, event: str, steps: Sequence[Step], about: dict[str, Any]) -> Sequence[Step]:
        """The steps of a chain that a pack has of its own, to be run once in place of these."""


if TYPE_CHECKING:

    class Seen:
        """A connection, as what is mixed in sees it."""

        def subscribe(
            self,
            channel: str,
            since: Position | None = None,
            last: int | None = None,
            insufficient: Any = None,
        ) -> Deferred[Any]: ...
        def unsubscribe(self, channel: str) -> Deferred[Any]: ...
        def publish(self, channel: str | Iterable[str], payload: Any, exclude: Any = None) -> Deferred[Any]: ...
        def close(self, code: int = 1000, reason: str = "") -> None: ...
else:
    Seen = object


class Observed(Seen):
    """What filters ask of it. Kinds of connections derive from this what is mixed in before their classes."""

    observer: Observer

    def _calls(self, name: str, arguments: dict[str, Any]) -> None:
        self.observer.calls(name, arguments)

    def subscribe(
        self,
        channel: str,
        since: Position | None = None,
        last: int | None = None,
        insufficient: Any = None,
    ) -> Deferred[Any]:
        self._calls("subscribe", {"channel": channel})
        return super().subscribe(channel, since, last, insufficient)

    def unsubscribe(self, channel: str) -> Deferred[Any]:
        self._calls("unsubscribe", {"channel": channel})
        return super().unsubscribe(channel)

    def publish(self, channel: str | Iterable[str], payload: Any, exclude: Any = None) -> Deferred[Any]:
        names = [channel] if isinstance(channel, str) else list(channel)
        self._calls("publish", {"channel": ", ".join(map(str, names)), "payload": payload})
        return super().publish(names if len(names) != 1 else names[0], payload, exclude)

    def close(self, code: int = 1000, reason: str = "") -> None:
        self._calls("close", {"code": code, "reason": reason})
        super().close(code, reason)


class Observable(Named):
    """A session that filters see, and that no connection of its own stands for.

    :cvar observed_by: what is mixed in while somebody looks
    :ivar observer: what is told then
    :ivar direct: no socket of its own takes frames
    :ivar chosen_protocol: it has no subprotocol
    """

    observed_by: ClassVar[type]
    observer: Observer | None = None
    direct = None
    chosen_protocol = None

    @property
    def factory(self) -> Server:
        return self.pipeline.server

    @property
    def transport(self) -> None:
        """It has none of its own."""
        return

    @property
    def users(self) -> "Mapping[str, Connection]":
        return self.pipeline.users

    @property
    def storage_object(self) -> Storage:
        return self.pipeline.storage_object

    @property
    def queue(self) -> "Queue[Any]":
        return self.pipeline.queue

    def redirect(self) -> None:
        """It is on no fast road that it could leave."""


def observer_of(connection: object) -> Observer | None:
    """Who looks at a connection; None: nobody."""
    return connection.observer if isinstance(connection, Observed) else None


def can_be_observed(connection: object) -> bool:
    """Whether there is anything to be mixed in for its kind."""
    return hasattr(connection, "observed_by")


def observe(connection: Any, observer: Observer) -> None:
    """Have a connection tell this observer, and no other, from now on."""
    connection.observer = observer
    if change_class(connection):
        _changed(connection)


def forget(connection: Any) -> None:
    """Have it tell nobody."""
    if change_back(connection):
        del connection.observer
        _changed(connection)


def change_class(instance: Any) -> bool:
    """Give something that tells of a connection the class that does, which has in it what `observed_by` says.

    :returns: False: it has it already
    """
    plain = type(instance)
    if issubclass(plain, plain.observed_by):
        return False
    # Of each class there is one, and that goes with it: a reload makes another.
    observed = vars(plain).get("_observed")
    if observed is None:
        bases = (plain.observed_by, plain)
        observed = type(plain.__name__, bases, {"__slots__": (), "__module__": plain.__module__})
        plain._observed = observed
    instance.__class__ = observed
    return True


def change_back(instance: Any) -> bool:
    """Give it its own class again.

    :returns: False: it has it already
    """
    observed = type(instance)
    if not issubclass(observed, observed.observed_by):
        return False
    instance.__class__ = observed.__bases__[1]
    return True


def _changed(connection: Any) -> None:
    connection.redirect()
    if connection.pipeline is not None:
        for told in connection.pipeline.looked_at:
            told(connection)

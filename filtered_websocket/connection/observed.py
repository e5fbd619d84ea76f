"""A connection that somebody looks at: it tells an observer what it receives, runs and sends.

A connection is observed by being given another class, and no more by being given back its own: what nobody looks at
runs not one instruction more. It leaves the fast road of the hub, so that what is published comes by `deliver`.
"""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol

from twisted.internet.defer import Deferred

from filtered_websocket.messages.batch import Batch
from filtered_websocket.messages.message import Message
from filtered_websocket.messages.publication import Position

if TYPE_CHECKING:
    from filtered_websocket.connection.connection import Connection
else:
    Connection = object


class Observer(Protocol):
    """What looks at a connection. It must not raise."""

    def received(self, payload: bytes | bytearray, binary: bool) -> None: ...
    def sent(self, messages: Sequence[Message]) -> None: ...
    def calls(self, name: str, arguments: dict[str, Any]) -> None: ...
    def ended(self, code: int | None, reason: str | None) -> None: ...
    def running(self, event: str) -> AbstractContextManager[object]:
        """The chain of this event runs within."""


class Observed(Connection):
    """Mixed in before the class of a connection, by `observe`."""

    __slots__ = ()

    observer: Observer

    # The way in.

    def _handshake(self, head: Any) -> None:
        with self.observer.running("handshake"):
            super()._handshake(head)

    def onOpen(self) -> None:
        with self.observer.running("connect"):
            super().onOpen()

    def connectionLost(self, reason: Any = None) -> None:
        was_open, observer = self.opened, self.observer
        super().connectionLost(reason)
        if not was_open:
            observer.ended(None, None)

    def hand_over(self) -> None:
        # To plain HTTP, which is no connection of anybody's.
        self.observer.ended(None, None)
        super().hand_over()

    def filter_data(self, data: bytes) -> None:
        with self.observer.running("data"):
            super().filter_data(data)

    def _received(self, payload: bytearray, binary: bool) -> None:
        self.observer.received(payload, binary)
        with self.observer.running("message"):
            super()._received(payload, binary)

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        # With the last connection the server may end, and with it what looks.
        was_open, observer = self.opened, self.observer
        with observer.running("disconnect"):
            super().onClose(wasClean, code, reason)
        if was_open:
            observer.ended(self.close_code, self.close_reason)

    # The way out.

    def redirect(self) -> None:
        super().redirect()
        self.direct = None

    def send_frame(self, payload: bytes | bytearray, binary: bool) -> None:
        self.observer.sent(((bytes(payload), binary),))
        super().send_frame(payload, binary)

    def send_together(self, messages: Sequence[Message]) -> None:
        self.observer.sent(messages)
        super().send_together(messages)

    def deliver(self, batch: Batch, policy: str) -> None:
        self.observer.sent(batch.messages)
        super().deliver(batch, policy)

    # What filters ask of it.

    def subscribe(
        self,
        channel: str,
        since: Position | None = None,
        last: int | None = None,
        insufficient: Any = None,
    ) -> Deferred[Any]:
        self.observer.calls("subscribe", {"channel": channel})
        return super().subscribe(channel, since, last, insufficient)

    def unsubscribe(self, channel: str) -> Deferred[Any]:
        self.observer.calls("unsubscribe", {"channel": channel})
        return super().unsubscribe(channel)

    def publish(self, channel: str | Iterable[str], payload: Any, exclude: Any = None) -> Deferred[Any]:
        names = [channel] if isinstance(channel, str) else list(channel)
        self.observer.calls("publish", {"channel": ", ".join(map(str, names)), "payload": payload})
        return super().publish(names if len(names) != 1 else names[0], payload, exclude)

    def close(self, code: int = 1000, reason: str = "") -> None:
        self.observer.calls("close", {"code": code, "reason": reason})
        super().close(code, reason)


def observe(connection: Any, observer: Observer) -> None:
    """Have a connection tell this observer, and no other, from now on."""
    plain = type(connection)
    if issubclass(plain, Observed):
        connection.observer = observer
        return
    # Of each class there is one, and that goes with it: a reload makes another.
    observed = vars(plain).get("_observed")
    if observed is None:
        observed = type(plain.__name__, (Observed, plain), {"__slots__": (), "__module__": plain.__module__})
        plain._observed = observed
    connection.observer = observer
    connection.__class__ = observed
    connection.redirect()


def forget(connection: Any) -> None:
    """Have it tell nobody."""
    observed = type(connection)
    if issubclass(observed, Observed):
        connection.__class__ = observed.__mro__[2]
        del connection.observer
        connection.redirect()


def is_observed(connection: object) -> bool:
    """Whether somebody looks at it."""
    return isinstance(connection, Observed)

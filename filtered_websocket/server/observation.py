"""The connections that somebody looks at: their messages are counted, and told to traces.

Of all connections the kernel counts bytes. Messages of one are counted from the moment when somebody first asks for
them, for as long as somebody goes on to ask.
"""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

from twisted.internet.task import LoopingCall

from filtered_websocket.chain.observed import can_be_observed, forget, observe
from filtered_websocket.chain.running import Step
from filtered_websocket.messages.message import Message
from filtered_websocket.transport.traffic import Traffic

COUNTED_SECONDS = 60.0
"""How long the messages of a connection are counted after somebody asked for them."""
MAX_COUNTED = 1000
"""Connections of this process whose messages are counted at one time; of others no number is told."""
RATE_SECONDS = 1.0
"""What a rate is of at least."""


class Trace(Protocol):
    """What is told of every step of a connection (`server.tracing`)."""

    def received(self, connection: Any, payload: bytes | bytearray, binary: bool) -> None: ...
    def sent(self, connection: Any, messages: Sequence[Message]) -> None: ...
    def calls(self, connection: Any, name: str, arguments: dict[str, Any]) -> None: ...
    def closed(self, connection: Any, code: int | None, reason: str | None) -> None: ...
    def moved(self, connection: Any) -> None: ...
    def running(self, connection: Any, event: str) -> AbstractContextManager[object]: ...
    def chain(self, connection: Any, event: str, steps: Sequence[Step], about: dict[str, Any]) -> Sequence[Step]: ...


class _Sample:
    """Totals at one time."""

    __slots__ = ("time", "totals")

    def __init__(self, time: float, totals: dict[str, int]) -> None:
        self.time, self.totals = time, totals

    def rates(self, now: float, totals: dict[str, int]) -> dict[str, float]:
        seconds = now - self.time
        return {name: round((totals[name] - before) / seconds, 3) for name, before in self.totals.items()}


class Watch:
    """The observer of one connection (`chain.observed.Observer`)."""

    __slots__ = ("_connection", "_ended", "_sample", "began", "looked", "messages_in", "messages_out", "rates", "trace")

    def __init__(self, connection: Any, ended: Any, now: float) -> None:
        self._connection, self._ended = connection, ended
        self.began = self.looked = now
        self.messages_in = self.messages_out = 0
        self.trace: Trace | None = None
        self.rates: dict[str, float] | None = None
        self._sample: _Sample | None = None

    @property
    def counts(self) -> bool:
        """Whether somebody has asked for its messages."""
        return self._sample is not None

    def look(self, now: float, totals: dict[str, int]) -> None:
        """Somebody asks."""
        self.looked = now
        if self._sample is None:
            self._sample = _Sample(now, totals)
        elif now - self._sample.time >= RATE_SECONDS:
            self.rates, self._sample = self._sample.rates(now, totals), _Sample(now, totals)

    def received(self, payload: bytes | bytearray, binary: bool) -> None:
        self.messages_in += 1
        if self.trace is not None:
            self.trace.received(self._connection, payload, binary)

    def sent(self, messages: Sequence[Message]) -> None:
        self.messages_out += len(messages)
        if self.trace is not None:
            self.trace.sent(self._connection, messages)

    def calls(self, name: str, arguments: dict[str, Any]) -> None:
        if self.trace is not None:
            self.trace.calls(self._connection, name, arguments)

    def ended(self, code: int | None, reason: str | None) -> None:
        if self.trace is not None:
            self.trace.closed(self._connection, code, reason)
        self._ended(self._connection)

    def moved(self) -> None:
        if self.trace is not None:
            self.trace.moved(self._connection)
        self._ended(self._connection)

    def running(self, event: str) -> AbstractContextManager[object]:
        return nullcontext() if self.trace is None else self.trace.running(self._connection, event)

    def chain(self, event: str, steps: Sequence[Step], about: dict[str, Any]) -> Sequence[Step]:
        return steps if self.trace is None else self.trace.chain(self._connection, event, steps, about)


class Observation:
    """
    :param clock: the reactor
    """

    def __init__(self, clock: Any) -> None:
        self._clock = clock
        self._watches: dict[Any, Watch] = {}
        self._sweep = LoopingCall(self._forget_old)
        self._sweep.clock = clock

    def counted(self, connection: Any, traffic: Traffic | None) -> dict[str, Any]:
        """What is counted of a connection, and will be counted from now on."""
        now, watch = self._clock.seconds(), self._watches.get(connection)
        if watch is None and len(self._watches) < MAX_COUNTED and connection.opened and can_be_observed(connection):
            watch = self.watch(connection)
        totals = {} if traffic is None else {"bytes_in": traffic.received, "bytes_out": traffic.taken}
        if watch is not None:
            totals |= {"messages_in": watch.messages_in, "messages_out": watch.messages_out}
            watch.look(now, totals)
        return {
            "bytes_in": totals.get("bytes_in"),
            "bytes_out": totals.get("bytes_out"),
            "messages_in": totals.get("messages_in"),
            "messages_out": totals.get("messages_out"),
            "counted_for": None if watch is None else round(now - watch.began, 3),
            "per_second": None if watch is None else watch.rates,
        }

    def watch(self, connection: Any) -> Watch:
        """Look at a connection from now on."""
        watch = self._watches.get(connection)
        if watch is None:
            watch = self._watches[connection] = Watch(connection, self._gone, self._clock.seconds())
            observe(connection, watch)
            if not self._sweep.running:
                self._sweep.start(COUNTED_SECONDS / 4, now=False)
        return watch

    def leave(self, connection: Any) -> None:
        """Have a connection tell traces no more."""
        watch = self._watches.get(connection)
        if watch is not None:
            watch.trace = None
            if not watch.counts:
                del self._watches[connection]
                forget(connection)
                self._stop_if_idle()

    def traced(self) -> Iterable[Any]:
        """The connections that a trace is told of."""
        return [connection for connection, watch in self._watches.items() if watch.trace is not None]

    def _gone(self, connection: Any) -> None:
        self._watches.pop(connection, None)
        self._stop_if_idle()

    def _forget_old(self) -> None:
        now = self._clock.seconds()
        for connection, watch in list(self._watches.items()):
            if watch.trace is None and now - watch.looked > COUNTED_SECONDS:
                del self._watches[connection]
                forget(connection)
        self._stop_if_idle()

    def _stop_if_idle(self) -> None:
        if not self._watches and self._sweep.running:
            self._sweep.stop()

    def stop(self) -> None:
        """Look at nothing any more."""
        for connection in list(self._watches):
            forget(connection)
        self._watches.clear()
        self._stop_if_idle()

"""The reactor that reads our sockets with little ceremony.

Rules:

1. The lean reactor reads from several sockets, then handles what they brought: the kernel's code and the interpreter's
   take turns less often, and each finds its caches warm.
2. The lean reactor is told of a socket when something comes, not for as long as something is there (edge-triggered):
   sockets are handled in the order in which they became readable. So a client that was served last in one turn is not
   last again in the next, for which it comes a moment too late. What may have left something unread asks again: `_arm`.
3. What is asked for by `at_turn_end` runs once, after the events of this reactor turn and before the next one waits for
   any; what timers and Deferreds produced does not wait for a socket event. A turn of several events looks for more, at
   most `LOOKS` times.
"""

import time
from collections.abc import Callable
from select import EPOLLET, EPOLLIN, EPOLLRDHUP
from time import perf_counter
from typing import Any

from twisted.internet import main, tcp, unix
from twisted.internet.epollreactor import EPollReactor
from twisted.internet.protocol import ClientFactory
from twisted.logger import Logger
from twisted.python import log as legacy_log

from filtered_websocket.transport.alarm import Alarm
from filtered_websocket.transport.reads import Event, read_ready
from filtered_websocket.transport.streams import READ_SIZE, TCPClient, UNIXClient, WriteThrough

_log = Logger()
_unexpected = _log.failureHandler("unexpected error in the reactor's loop")

LONGEST = 3600
"""Seconds: what is to come later is left to Twisted, which knows how long a poll may take."""

READ_ON, READ_ON_SECONDS = 16, 0.001
"""Reads of what has come as a whole, one behind the other: 2 MiB at most, and no more once that has taken so long, as
it soon has where it is not one large message. To be told of each by epoll costs a twentieth of a large echo. Then the
others have their turn. Those that had more to read than one read takes come first in the next, so that each is read on
in its turn: of four clients that sent MiBs the last one got one read a turn, and its echoes took six times as long."""

LOOKS, LOOK_SECONDS = 2, 0.002
"""How often a turn that has read from several sockets looks for more before its end, unless it has taken so long: what
came meanwhile goes out with the rest. Where 64 publications are under way to 1,000 clients in 20 channels each, that is
a fifth less. A turn that takes longer has much to send already, or slow filters, and nobody is to wait for more."""

READ_AHEAD = 128
"""Sockets that are read before what they brought is handled: at most 16 MiB at a time."""


class _TCPConnector(tcp.Connector):
    def _makeTransport(self) -> Any:
        return TCPClient(self.host, self.port, self.bindAddress, self, self.reactor)


class _UNIXConnector(unix.Connector):
    def _makeTransport(self) -> Any:
        return UNIXClient(self.address, self, self.reactor, self.checkPID)


# An end that comes together with the last bytes must be told apart from them: a read takes only the bytes.
_EDGE = EPOLLIN | EPOLLRDHUP | EPOLLET


class LeanEPollReactor(EPollReactor):
    """Twisted's epoll reactor, less two function calls and a logging context per readable event of our transports."""

    seconds = staticmethod(time.monotonic)

    _reads: set[int]
    _writes: set[int]

    def __init__(self) -> None:
        super().__init__()
        self._turn_end: list[Callable[[], object]] = []
        self._behind: list[WriteThrough] = []
        self._alarm = Alarm.of(self._poller)
        #: runs a callable once, at the end of this turn
        self.at_turn_end: Callable[[Callable[[], object]], object] = self._turn_end.append

    def connectTCP(
        self, host: str, port: int, factory: "ClientFactory[Any]", timeout: float = 30, bindAddress: Any = None
    ) -> Any:
        connector = _TCPConnector(host, port, factory, timeout, bindAddress, self)
        connector.connect()
        return connector

    def connectUNIX(
        self, address: Any, factory: "ClientFactory[Any]", timeout: float = 30, checkPID: bool = False
    ) -> Any:
        connector = _UNIXConnector(address, factory, timeout, self, checkPID)
        connector.connect()
        return connector

    def addReader(self, reader: Any) -> None:
        fd = reader.fileno()
        if isinstance(reader, WriteThrough) and fd not in self._reads and fd not in self._writes:
            self._poller.register(fd, _EDGE)
            self._reads.add(fd)
            self._selectables[fd] = reader
        else:
            super().addReader(reader)

    def removeWriter(self, writer: Any) -> None:
        wrote = writer.fileno() in self._writes
        super().removeWriter(writer)
        if wrote:
            self._arm(writer)

    def _arm(self, selectable: Any) -> None:
        """Have what can be read now reported again. While it also waits to write, it is level-triggered anyway."""
        if isinstance(selectable, WriteThrough):
            fd = selectable.fileno()
            if fd in self._reads and fd not in self._writes:
                self._poller.modify(fd, _EDGE)

    def _end_turn(self) -> None:
        try:
            for call in self._turn_end:  # which grows by what these ask for
                try:
                    call()
                except Exception:
                    _log.failure("what was to run at the end of a reactor turn failed")
        finally:
            self._turn_end.clear()

    def doPoll(self, timeout: float | None) -> None:
        if self._turn_end:
            self._end_turn()
            # What just ran may have set timers that the timeout does not know of.
            newer = self.timeout()
            timeout = newer if timeout is None else timeout if newer is None else min(timeout, newer)
        behind = self._still_behind() if self._behind else None
        if behind:
            timeout = 0
        events = self._poller.poll(-1 if timeout is None else timeout, len(self._selectables))
        if behind:
            events = behind + events
        looks_until = perf_counter() + LOOK_SECONDS if len(events) > 1 else 0.0
        if len(events) <= READ_AHEAD:
            self._see_to(events)
        else:
            for begin in range(0, len(events), READ_AHEAD):
                self._see_to(events[begin : begin + READ_AHEAD])
        if self._turn_end:
            if looks_until:
                self._look_again(looks_until)
            self._end_turn()

    def _still_behind(self) -> list[Event]:
        """Those that were read from once, since another was read on, come first in this turn."""
        behind, self._behind = self._behind, []
        known = self._selectables
        numbers = [(each.fileno(), each) for each in behind]
        return [(fd, EPOLLIN) for fd, each in numbers if fd in self._reads and known.get(fd) is each]

    def _look_again(self, until: float) -> None:
        """What has come meanwhile is of the same turn, which gets no longer than this by it."""
        for _ in range(LOOKS):
            if perf_counter() > until:
                return
            events = self._poller.poll(0, READ_AHEAD)
            self._see_to(events)
            if len(events) < 2:
                return

    def _see_to(self, events: list[Event]) -> None:
        """Read and handle what these tell of."""
        selectables = self._selectables
        at, end, on, until, favoured = 0, len(events), READ_ON, 0.0, None
        while at < end:
            reads: list[Any] = []
            at = read_ready(events, at, selectables, WriteThrough, READ_SIZE, reads)
            if reads:
                last, data = reads[-2:]
                # There may be more; none of the others has given so much.
                is_whole = data is not None and len(data) == READ_SIZE
                if is_whole and not until:
                    until = perf_counter() + READ_ON_SECONDS
                self._handle(reads)
                if is_whole:
                    if on and perf_counter() < until and last.fileno() in self._reads:
                        on -= 1
                        at -= 1
                        favoured = last
                    elif last is favoured:
                        self._arm(last)
                    else:
                        self._behind.append(last)
            elif at < end:
                fd, event = events[at]
                at += 1
                selectable = selectables.get(fd)
                if selectable is not None:
                    legacy_log.callWithLogger(selectable, self._doReadOrWrite, selectable, fd, event)
                    self._arm(selectable)

    def _handle(self, reads: list[Any]) -> None:
        pairs = iter(reads)
        for selectable, data in zip(pairs, pairs):  # noqa: B905 - strict costs each turn as much as a send
            # What was handled just before may have ended this one.
            if selectable.aborted or not selectable.connected:
                continue
            try:
                if data:
                    selectable.protocol.dataReceived(data)
                    continue
                why: BaseException = main.CONNECTION_LOST if data is None else main.CONNECTION_DONE
            except BaseException as error:  # as in Twisted's own loop: any error ends this connection only
                legacy_log.err()
                why = error
            # A protocol may raise here too. What was read from the others cannot be read again.
            legacy_log.callWithLogger(selectable, self._disconnectSelectable, selectable, why, True)

    doIteration = doPoll

    def mainLoop(self) -> None:
        """Turn until the reactor stops.

        Twisted's own loop looks for all that may be due, twice in each turn: 3 % of a fan-out to ten.
        """
        alarm = self._alarm
        while self._started:
            with _unexpected:
                while self._started:
                    self.runUntilCurrent()
                    timeout = self.timeout()
                    self.doPoll(timeout if self.running else 0)
                    while self.running and not (self._newTimedCalls or self.threadCallQueue or self._justStopped):
                        timers, now = self._pendingTimedCalls, self.seconds()
                        due = timers[0].time if timers else now + LONGEST
                        if not now < due <= now + LONGEST:
                            break
                        if alarm is not None and not now < alarm.at <= due:
                            alarm.set(due)
                        self.doPoll(due - now if alarm is None else None)


def at_turn_end(reactor: Any) -> Callable[[Callable[[], object]], object]:
    """How to run something at the end of a reactor's turn; a reactor that is not ours does it in its next turn."""
    if isinstance(reactor, LeanEPollReactor):
        return reactor.at_turn_end
    loop: Any = getattr(reactor, "_asyncioEventloop", None)
    if loop is not None:
        # Its timers run after what the sockets bring next, such as the end of a connection that has yet to be answered.
        soon: Callable[[Callable[[], object]], object] = loop.call_soon
        return soon
    return lambda call: reactor.callLater(0, call)

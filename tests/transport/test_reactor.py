"""A turn of the reactor: what is read, in which order, and what runs at its end."""

import random
import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from typing import Any

import pytest
from twisted.python import threadable

from filtered_websocket.transport.alarm import Alarm
from filtered_websocket.transport.ports import TCPPort
from filtered_websocket.transport.reactor import LOOK_SECONDS, LOOKS, READ_AHEAD, READ_ON, LeanEPollReactor, at_turn_end
from filtered_websocket.transport.streams import READ_SIZE
from tests.support.deadlines import joined
from tests.support.fws_server import STARTING
from tests.support.raw_client import DEADLINE
from tests.support.serving import logged
from tests.support.streams import Factory, Server, another, drain, turn_until


def test_a_descriptor_of_somebody_else_s_that_is_gone_when_its_event_was_handled_takes_nothing_from_the_others(
    reactor: LeanEPollReactor, pair: tuple[Server, socket.socket]
) -> None:
    server, client = pair
    here, there = socket.socketpair()

    class Gone:
        """What a library registers: it has no number any more when it has ended."""

        ended = False

        def fileno(self) -> int:
            if self.ended:
                raise ValueError("closed")
            return here.fileno()

        def logPrefix(self) -> str:
            return "gone"

        def doRead(self) -> None:
            reactor.removeReader(self)
            self.ended = True

        def connectionLost(self, reason: Any) -> None: ...

    with here, there:
        reactor.addReader(Gone())
        there.sendall(b"x")
        client.sendall(b"mine")
        reactor.doPoll(DEADLINE)
        turn_until(reactor, lambda: server.received == b"mine")


def test_what_was_read_from_one_that_another_then_aborts_is_not_handled(
    reactor: LeanEPollReactor, pair: tuple[Server, socket.socket]
) -> None:
    server, client = pair
    with another(reactor) as (victim, other):
        server.victim = victim.transport
        client.sendall(b"abort")
        other.sendall(b"too late")
        turn_until(reactor, lambda: victim.lost is not None)
    assert server.received == b"abort"
    assert victim.received == b""


def test_more_sockets_than_are_read_at_a_time_are_all_handled(reactor: LeanEPollReactor) -> None:
    port = TCPPort(0, Factory(), 200, "127.0.0.1", reactor)
    port.startListening()
    made = port.factory.made  # type: ignore[attr-defined]
    with ExitStack() as stack:
        address = ("127.0.0.1", port.getHost().port)
        clients = [stack.enter_context(socket.create_connection(address, DEADLINE)) for _ in range(READ_AHEAD + 10)]
        turn_until(reactor, lambda: len(made) == len(clients))
        for client in clients:
            client.sendall(b"x")
        turn_until(reactor, lambda: all(each.received == b"x" for each in made))


# Edge-triggered reading: whatever is left unread must be asked for again.


@pytest.mark.parametrize("size", [1, READ_SIZE - 1, READ_SIZE, READ_SIZE + 1, 3 * READ_SIZE, 3 * READ_SIZE + 1])
@pytest.mark.parametrize("ends", [False, True], ids=["goes on", "ends"])
def test_all_that_waits_is_read_and_an_end_behind_it_is_seen(
    reactor: LeanEPollReactor, pair: tuple[Server, socket.socket], size: int, ends: bool
) -> None:
    server, client = pair
    server.transport.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * READ_SIZE)
    data = bytes(number % 251 for number in range(size))
    client.sendall(data)
    if ends:
        client.close()
    turn_until(reactor, lambda: len(server.received) == size)
    assert server.received == data
    if ends:
        turn_until(reactor, lambda: server.lost is not None)
    else:
        client.sendall(b"more")
        turn_until(reactor, lambda: server.received == data + b"more")
        assert server.lost is None


def test_sockets_are_handled_in_the_order_in_which_they_became_readable(
    reactor: LeanEPollReactor, pair: tuple[Server, socket.socket]
) -> None:
    heard: list[str] = []
    with another(reactor) as second, another(reactor) as third:
        connections = {"a": pair, "b": second, "c": third}
        for name, (server, _) in connections.items():
            server.dataReceived = lambda data, name=name: heard.append(name)  # type: ignore[method-assign,misc]
        for order in ("abc", "cab", "bca", "cba", "abc"):
            heard.clear()
            for name in order:
                connections[name][1].sendall(b"x")
            turn_until(reactor, lambda: len(heard) == 3)
            assert "".join(heard) == order


def test_nothing_is_missed_whatever_reads_pauses_and_writes_meanwhile(
    reactor: LeanEPollReactor, pair: tuple[Server, socket.socket]
) -> None:
    server, client = pair
    transport = server.transport
    transport.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    transport.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * READ_SIZE)
    client.setblocking(False)
    rng = random.Random(7)
    sent, written, got = b"", b"", b""
    for number in range(400):
        act = rng.choice(("send", "send", "much", "turn", "turn", "pause", "resume", "write", "read"))
        if act in ("send", "much"):
            data = str(number).encode() * (20_000 if act == "much" else 1)
            try:
                sent += data[: client.send(data)]
            except BlockingIOError:
                reactor.iterate(0)
        elif act == "turn":
            reactor.iterate(0)
        elif act == "pause":
            transport.pauseProducing()
        elif act == "resume":
            transport.resumeProducing()
        elif act == "write":
            data = str(number).encode() * 5_000
            transport.write(data)
            written += data
        else:
            got += client.recv(1 << 20) if select.select([client], [], [], 0)[0] else b""
    assert server.told.count("blocked") > 3
    transport.resumeProducing()
    got += drain(reactor, client, len(written) - len(got))
    turn_until(reactor, lambda: len(server.received) == len(sent))
    assert (server.received, got) == (sent, written)
    client.close()
    turn_until(reactor, lambda: server.lost is not None)


SMALL = 4096


@pytest.fixture
def far_behind(
    reactor: LeanEPollReactor, pair: tuple[Server, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Server, Server]]:
    """One for which much more has come than is read in a turn, and one that waits behind it."""
    monkeypatch.setattr("filtered_websocket.transport.reactor.READ_SIZE", SMALL)
    server, client = pair
    with another(reactor) as (second, other):
        client.sendall(bytes(3 * READ_ON * SMALL))
        other.sendall(b"x")
        wait_for(server, 3 * READ_ON * SMALL)
        wait_for(second, 1)
        yield server, second


def wait_for(server: Server, size: int) -> None:
    """Until so much has come for it, or as much as there is room for."""
    server.transport.socket.settimeout(DEADLINE)
    server.transport.socket.recv(size, socket.MSG_PEEK | socket.MSG_WAITALL)
    server.transport.socket.setblocking(False)


def test_what_has_come_as_a_whole_is_read_on_and_then_the_others_have_their_turn(
    reactor: LeanEPollReactor, far_behind: tuple[Server, Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    server, second = far_behind
    monkeypatch.setattr("filtered_websocket.transport.reactor.perf_counter", lambda: 7.0)
    reactor.doPoll(DEADLINE)
    assert len(server.received) == (1 + READ_ON) * SMALL
    assert second.received == b"x"
    turn_until(reactor, lambda: len(server.received) == 3 * READ_ON * SMALL)


def test_nothing_is_read_on_once_it_takes_long(
    reactor: LeanEPollReactor, far_behind: tuple[Server, Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    server, second = far_behind
    # Each part takes four tenths of the time.
    monkeypatch.setattr(
        "filtered_websocket.transport.reactor.perf_counter", lambda: len(server.received) / SMALL * 0.0004
    )
    reactor.doPoll(DEADLINE)
    assert len(server.received) == 3 * SMALL
    assert second.received == b"x"
    turn_until(reactor, lambda: len(server.received) == 3 * READ_ON * SMALL)


def test_each_is_read_on_in_its_turn_however_much_the_others_send(
    reactor: LeanEPollReactor, pair: tuple[Server, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[str] = []
    monkeypatch.setattr("filtered_websocket.transport.reactor.READ_SIZE", SMALL)
    # Three parts, and the time is over.
    monkeypatch.setattr("filtered_websocket.transport.reactor.perf_counter", lambda: len(heard) * 0.0004)
    with another(reactor) as second, another(reactor) as third:
        for name, (server, client) in zip("abc", (pair, second, third), strict=True):
            server.dataReceived = lambda data, name=name: heard.append(name)  # type: ignore[method-assign,misc]
            client.sendall(bytes(20 * SMALL))
            wait_for(server, 20 * SMALL)
        turns = []
        for _ in range(6):
            heard.clear()
            reactor.doPoll(DEADLINE)
            turns.append("".join(heard))
    assert turns == ["aaabc", "bbbca", "cccab", "aaabc", "bbbca", "cccab"]


@pytest.mark.parametrize("does", ["pauseProducing", "abortConnection"])
def test_one_that_had_more_to_read_and_is_paused_or_gone_is_left_alone(
    reactor: LeanEPollReactor, far_behind: tuple[Server, Server], monkeypatch: pytest.MonkeyPatch, does: str
) -> None:
    server, _ = far_behind
    monkeypatch.setattr("filtered_websocket.transport.reactor.READ_ON", 0)
    reactor.doPoll(DEADLINE)
    assert len(server.received) == SMALL
    getattr(server.transport, does)()
    for _ in range(3):
        reactor.iterate(0)
    assert len(server.received) == SMALL
    if does == "pauseProducing":
        server.transport.resumeProducing()
        turn_until(reactor, lambda: len(server.received) == 3 * READ_ON * SMALL)


@pytest.mark.parametrize("does", ["pauseProducing", "abortConnection"])
def test_nothing_is_read_on_behind_a_pause_or_an_abort(
    reactor: LeanEPollReactor, far_behind: tuple[Server, Server], does: str
) -> None:
    server, second = far_behind
    heard: list[int] = []

    def once(data: bytes) -> None:
        heard.append(len(data))
        if len(heard) == 3:
            getattr(server.transport, does)()

    server.dataReceived = once  # type: ignore[method-assign]
    reactor.doPoll(DEADLINE)
    assert second.received == b"x"
    for _ in range(3):
        reactor.iterate(0)
    assert heard == [SMALL] * 3
    if does == "pauseProducing":
        server.transport.resumeProducing()
        turn_until(reactor, lambda: sum(heard) == 3 * READ_ON * SMALL)


# The end of a turn.


def test_at_the_end_of_a_turn_things_run_once_and_before_the_next_poll(reactor: LeanEPollReactor) -> None:
    order: list[str] = []

    def from_a_timer() -> None:
        order.append("timer")
        reactor.at_turn_end(lambda: order.append("end"))

    reactor.callLater(0, from_a_timer)
    # Were the poll to come first, it would wait for this long.
    reactor.callLater(DEADLINE, order.append, "too late")
    turn_until(reactor, lambda: order)
    assert order == ["timer", "end"]
    reactor.iterate(0)
    assert order == ["timer", "end"]


def test_what_the_end_of_a_turn_asks_for_runs_in_it_and_its_timers_shorten_the_poll(
    reactor: LeanEPollReactor,
) -> None:
    order: list[str] = []
    reactor.at_turn_end(lambda: reactor.at_turn_end(lambda: order.append("second")))
    reactor.at_turn_end(lambda: reactor.callLater(0, order.append, "timer"))
    reactor.doPoll(DEADLINE * 10)
    assert order == ["second"]
    reactor.runUntilCurrent()
    assert order == ["second", "timer"]


def test_one_that_fails_at_the_end_of_a_turn_does_not_keep_the_next_from_running(reactor: LeanEPollReactor) -> None:
    ran: list[int] = []
    reactor.at_turn_end(lambda: 1 / 0)
    reactor.at_turn_end(lambda: ran.append(1))
    with logged() as lines:
        reactor.iterate(0)
    assert ran == [1]
    assert "end of a reactor turn failed" in "".join(lines)


def test_a_reactor_that_is_not_ours_does_it_in_its_next_turn() -> None:
    from twisted.internet.task import Clock

    clock, ran = Clock(), []
    at_turn_end(clock)(lambda: ran.append(1))
    assert ran == []
    clock.advance(0)
    assert ran == [1]


@pytest.fixture
def talk(reactor: LeanEPollReactor, pair: tuple[Server, socket.socket]) -> Iterator[Callable[[], list[str]]]:
    """A turn in which two have something to say, and say more whenever they are heard. It gives their names."""
    heard: list[str] = []
    with another(reactor) as second:
        connections = {"a": pair, "b": second}

        def hear(name: str) -> None:
            if not heard:
                reactor.at_turn_end(lambda: heard.append("end"))
            heard.append(name)
            connections[name][1].sendall(b"x")

        def turn() -> list[str]:
            heard.clear()
            reactor.doPoll(DEADLINE)
            return heard[: heard.index("end")]

        for name, (server, client) in connections.items():
            server.dataReceived = lambda data, name=name: hear(name)  # type: ignore[method-assign,misc]
            client.sendall(b"x")
        yield turn


def test_what_comes_while_a_turn_is_handled_is_of_that_turn(
    talk: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("filtered_websocket.transport.reactor.perf_counter", lambda: 7.0)
    assert "".join(talk()) == "ab" * (1 + LOOKS)
    assert "".join(talk()) == "ab" * (1 + LOOKS)


def test_a_turn_that_takes_long_ends_without_more(
    talk: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = count(step=LOOK_SECONDS * 0.6)
    monkeypatch.setattr("filtered_websocket.transport.reactor.perf_counter", lambda: next(ticks))
    assert "".join(talk()) == "abab"


def test_a_turn_of_one_is_over_at_once(reactor: LeanEPollReactor, pair: tuple[Server, socket.socket]) -> None:
    server, client = pair
    order: list[str] = []

    def hear(data: bytes) -> None:
        order.append("x")
        reactor.at_turn_end(lambda: order.append("end"))
        client.sendall(b"x")

    server.dataReceived = hear  # type: ignore[method-assign]
    client.sendall(b"x")
    reactor.doPoll(DEADLINE)
    assert order == ["x", "end"]


# The loop.


class Busy:
    """A descriptor that can always be read: the reactor never waits.

    :ivar on_read: called in each turn
    """

    def __init__(self, on_read: Callable[[int], object]) -> None:
        self.here, self.there = socket.socketpair()
        self.there.send(b"x")
        self.turns, self.on_read = 0, on_read

    def fileno(self) -> int:
        return self.here.fileno()

    def logPrefix(self) -> str:
        return "busy"

    def doRead(self) -> None:
        self.turns += 1
        self.on_read(self.turns)

    def connectionLost(self, reason: Any) -> None:
        self.here.close()
        self.there.close()


def run_busy(reactor: LeanEPollReactor, on_read: Callable[[int], object]) -> Busy:
    """Run a reactor that never waits until it is stopped, a hundred thousand turns at most."""

    def turned(turns: int) -> None:
        if turns == 100_000:
            reactor.crash()
        on_read(turns)

    busy = Busy(turned)
    reactor.addReader(busy)
    run(reactor)
    return busy


def run(reactor: LeanEPollReactor) -> None:
    """Run a reactor in the test's thread. Twisted then takes this thread for that of all reactors."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(threadable, "ioThread", threadable.ioThread)
        reactor.run(installSignalHandlers=False)


def test_what_is_due_is_done_in_its_turn_however_busy_the_sockets_are(reactor: LeanEPollReactor) -> None:
    done: list[tuple[str, int]] = []

    def note(what: str) -> None:
        done.append((what, busy[0]))

    def on_read(turns: int) -> None:
        busy[0] = turns
        if turns == 10:
            reactor.callLater(0, note, "now")
        elif turns == 20:
            another = threading.Thread(target=reactor.callFromThread, args=(note, "from a thread"))
            another.start()
            joined(another)
        elif turns == 30:
            cancelled = reactor.callLater(0.001, note, "cancelled")
            reactor.callLater(0.002, note, "soon")
            cancelled.cancel()
        elif ("soon", turns - 1) in done:
            reactor.stop()

    busy = [0]
    reactor.callLater(0.002, note, "first")
    turned = run_busy(reactor, on_read)
    assert turned.turns < 100_000
    turns = dict(done)
    assert (turns["now"], turns["from a thread"]) == (10, 20)
    assert sorted(turns) == ["first", "from a thread", "now", "soon"]
    assert turns["first"] <= turns["soon"]


@pytest.fixture(params=["alarm", "no alarm"])
def timed(
    request: pytest.FixtureRequest, reactor: LeanEPollReactor, monkeypatch: pytest.MonkeyPatch
) -> LeanEPollReactor:
    """A reactor with its alarm, and as it is where there is none."""
    assert reactor._alarm is not None
    if request.param == "no alarm":
        reactor._alarm.close()
        monkeypatch.setattr("filtered_websocket.transport.alarm.ctypes", None)
        reactor._alarm = Alarm.of(reactor._poller)
        assert reactor._alarm is None
    return reactor


def test_timers_run_in_their_order_and_not_before_their_times(timed: LeanEPollReactor) -> None:
    ran: list[str] = []
    early: list[str] = []

    def note(what: str, seconds: float, *then: Callable[[], object]) -> Any:
        due = time.monotonic() + seconds

        def run() -> None:
            ran.append(what)
            early.extend([what] * (time.monotonic() < due))
            for each in then:
                each()

        return timed.callLater(seconds, run)

    note("cancelled", 0.01).cancel()
    last = note("last", 0.02, timed.stop)
    last.reset(DEADLINE)
    # Each is set while a later one is waited for.
    note("first", 0.01, lambda: note("between", 0.02, lambda: last.reset(0.03)))
    run(timed)
    assert ran == ["first", "between", "last"]
    assert early == []


def test_a_timer_that_an_event_sets_or_cancels_is_seen_at_once(
    timed: LeanEPollReactor, pair: tuple[Server, socket.socket]
) -> None:
    server, client = pair
    late = timed.callLater(DEADLINE, timed.crash)
    heard: list[bytes] = []

    def hear(data: bytes) -> None:
        heard.append(data)
        if data == b"set":
            timed.callLater(0.01, client.sendall, b"cancel")
        else:
            late.cancel()
            timed.callLater(0.01, timed.stop)

    server.dataReceived = hear  # type: ignore[method-assign]
    client.sendall(b"set")
    run(timed)
    assert heard == [b"set", b"cancel"]
    assert not late.active()


def test_the_alarm_is_set_once_for_a_timer_whatever_comes_before_it(
    reactor: LeanEPollReactor, pair: tuple[Server, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    server, client = pair
    times: list[float] = []
    was = Alarm.set
    monkeypatch.setattr(Alarm, "set", lambda self, at: (times.append(at), was(self, at)))
    heard: list[bytes] = []

    def hear(data: bytes) -> None:
        heard.append(data)
        if len(heard) == 100:
            reactor.stop()
        client.sendall(b"x")

    server.dataReceived = hear  # type: ignore[method-assign]
    client.sendall(b"x")
    due = reactor.callLater(DEADLINE, reactor.crash).getTime()
    run(reactor)
    assert len(heard) == 100
    assert times == [due]


def test_a_timer_that_is_years_away_is_waited_for(reactor: LeanEPollReactor) -> None:
    reactor.callLater(10 * 365 * 86400, reactor.crash)
    reactor.callLater(0.01, reactor.stop)
    run(reactor)
    assert not reactor.running
    assert len(reactor.getDelayedCalls()) == 1


def test_what_a_turn_raises_is_logged_and_the_loop_goes_on(reactor: LeanEPollReactor) -> None:
    def on_read(turns: int) -> None:
        if turns == 5:
            reactor.at_turn_end(interrupt)
        elif turns == 6:
            reactor.stop()

    def interrupt() -> None:
        raise KeyboardInterrupt("of a filter")

    with logged() as lines:
        busy = run_busy(reactor, on_read)
    assert busy.turns == 6
    assert "unexpected error in the reactor's loop" in "".join(lines)


ONE_BYTE_A_TURN = """
import socket
from filtered_websocket.transport.installing import install_reactor
from filtered_websocket.transport.reactor import at_turn_end
install_reactor({name!r})
from twisted.internet import reactor
from twisted.internet.abstract import FileDescriptor

here, there = socket.socketpair()
there.sendall(b"12")
order = []

class Reader(FileDescriptor):
    def fileno(self):
        return here.fileno()

    def doRead(self):
        order.append(here.recv(1).decode())
        if order[-1] == "2":
            reactor.callLater(0, reactor.stop)
        at_turn_end(reactor)(lambda: order.append("end"))

reactor.callWhenRunning(Reader(reactor).startReading)
reactor.run()
print(*order)
"""


@pytest.mark.parametrize("name", ["lean", "epoll", "select", "asyncio"])
def test_what_is_to_run_at_the_end_of_a_turn_comes_before_what_the_sockets_bring_next(name: str) -> None:
    run = subprocess.run(
        [sys.executable, "-c", ONE_BYTE_A_TURN.format(name=name)],
        capture_output=True,
        text=True,
        timeout=STARTING,
        check=False,
    )
    assert run.stdout.split() == ["1", "end", "2", "end"], run.stderr

import os
import random
import select
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import pytest
from twisted.internet import protocol
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IPullProducer
from twisted.python.failure import Failure
from zope.interface import implementer

from filtered_websocket.transport.ports import TCPPort, UNIXPort
from filtered_websocket.transport.reactor import READ_AHEAD, LeanEPollReactor, at_turn_end
from filtered_websocket.transport.streams import READ_SIZE
from tests.support.raw_client import DEADLINE
from tests.support.serving import logged


class Server(protocol.Protocol):
    """Notes what it hears, in the order it hears it."""

    transport: Any

    def __init__(self) -> None:
        self.received = b""
        self.lost: Any = None
        self.victim: Any = None
        self.told: list[str] = []

    def connectionMade(self) -> None:
        self.transport.watcher = self

    def dataReceived(self, data: bytes) -> None:
        self.received += data
        if data == b"raise":
            raise RuntimeError("a protocol that fails")
        if data == b"abort":
            self.victim.abortConnection()

    def connectionLost(self, reason: Any = None) -> None:
        self.lost = reason

    def transport_blocked(self) -> None:
        self.told.append("blocked")

    def transport_drained(self) -> None:
        self.told.append("drained")

    def transport_ended(self) -> None:
        self.told.append("ended")


class Factory(protocol.Factory):
    protocol = Server
    noisy = False

    def __init__(self) -> None:
        self.made: list[Any] = []

    def buildProtocol(self, address: Any) -> Any:
        self.made.append(Server())
        return self.made[-1]


@pytest.fixture
def reactor() -> Iterator[LeanEPollReactor]:
    """A reactor of the test's own, turned by hand."""
    reactor = LeanEPollReactor()
    yield reactor
    for each in reactor.removeAll():
        each.connectionLost(Failure(ConnectionDone()))
    for each in list(reactor._internalReaders):  # type: ignore[attr-defined]
        each.connectionLost(None)
    reactor._poller.close()


def turn_until(reactor: LeanEPollReactor, predicate: Any) -> None:
    import time

    end = time.monotonic() + DEADLINE
    while not predicate():
        assert time.monotonic() < end, "not so within the deadline"
        reactor.iterate(0.01)


@pytest.fixture
def pair(reactor: LeanEPollReactor) -> Iterator[tuple[Server, socket.socket]]:
    """A connection: the server's protocol, and the client's socket."""
    factory = Factory()
    port = TCPPort(0, factory, 50, "127.0.0.1", reactor)
    port.startListening()
    with socket.create_connection(("127.0.0.1", port.getHost().port), DEADLINE) as client:
        turn_until(reactor, lambda: factory.made)
        yield factory.made[0], client


@contextmanager
def another(reactor: LeanEPollReactor) -> Iterator[tuple[Server, socket.socket]]:
    """One more connection to the port of `pair`."""
    (port,) = [each for each in reactor.getReaders() if isinstance(each, TCPPort)]
    made = port.factory.made
    known = len(made)
    with socket.create_connection(("127.0.0.1", port.getHost().port), DEADLINE) as client:
        turn_until(reactor, lambda: len(made) > known)
        yield made[known], client


def fill(server: Server) -> bytes:
    """Write until the kernel refuses; what was written."""
    server.transport.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    written = b""
    while not server.transport.blocked:
        chunk = str(len(written)).encode().ljust(10_000, b".")
        server.transport.write(chunk)
        written += chunk
    return written


def drain(reactor: LeanEPollReactor, client: socket.socket, size: int) -> bytes:
    """Read this much while the reactor turns."""
    got = b""
    client.setblocking(False)

    def enough() -> bool:
        nonlocal got
        try:
            got += client.recv(65536)
        except BlockingIOError:
            pass
        return len(got) >= size

    turn_until(reactor, enough)
    return got


def test_a_write_is_sent_before_it_returns(pair: tuple[Server, socket.socket]) -> None:
    server, client = pair
    server.transport.write(b"at once")
    assert client.recv(100) == b"at once"
    server.transport.writeSequence([b"this", b" too"])
    assert client.recv(100) == b"this too"
    assert server.told == []


def test_nagle_is_off(pair: tuple[Server, socket.socket]) -> None:
    server, _ = pair
    assert server.transport.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_what_the_kernel_refuses_waits_and_keeps_its_order(
    reactor: LeanEPollReactor, pair: tuple[Server, socket.socket]
) -> None:
    server, client = pair
    transport = server.transport
    written = fill(server)
    assert server.told == ["blocked"]
    before = transport.pending
    transport.write(b"x" * 1000)
    assert transport.pending == before + 1000
    assert drain(reactor, client, len(written) + 1000) == written + b"x" * 1000
    turn_until(reactor, lambda: not transport.blocked)
    assert server.told == ["blocked", "drained"]
    assert transport.pending == 0
    assert transport.taken >= before + 1000
    # And then writes go through again.
    transport.write(b"at once")
    client.setblocking(True)
    assert client.recv(100) == b"at once"


def test_what_waits_is_sent_before_a_close(reactor: LeanEPollReactor, pair: tuple[Server, socket.socket]) -> None:
    server, client = pair
    written = fill(server)
    server.transport.loseConnection()
    assert drain(reactor, client, len(written)) == written
    turn_until(reactor, lambda: server.lost is not None)
    client.setblocking(True)
    assert client.recv(1) == b""


def test_a_write_to_a_peer_that_is_gone_ends_the_connection_where_twisted_ends_it(
    reactor: LeanEPollReactor, pair: tuple[Server, socket.socket]
) -> None:
    server, client = pair
    transport = server.transport
    transport.pauseProducing()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    client.close()
    transport.write(b"to nobody")
    transport.write(b"to nobody")
    assert server.lost is None
    turn_until(reactor, lambda: server.lost is not None)
    transport.write(b"after the end")


def test_an_abort_ends_what_waits_and_says_drained_once(
    reactor: LeanEPollReactor, pair: tuple[Server, socket.socket]
) -> None:
    server, _ = pair
    fill(server)
    server.transport.abortConnection()
    turn_until(reactor, lambda: server.lost is not None)
    assert server.told == ["blocked", "drained"]


def test_a_pull_producer_is_asked_again_and_again(
    reactor: LeanEPollReactor, pair: tuple[Server, socket.socket]
) -> None:
    server, client = pair
    transport = server.transport

    @implementer(IPullProducer)
    class Counts:
        number = 0

        def resumeProducing(self) -> None:
            self.number += 1
            if self.number == 6:
                transport.unregisterProducer()
            else:
                transport.write(str(self.number).encode())

        def stopProducing(self) -> None: ...

    transport.registerProducer(Counts(), False)
    assert drain(reactor, client, 5) == b"12345"


def test_a_protocol_that_raises_ends_its_own_connection_only(
    reactor: LeanEPollReactor, pair: tuple[Server, socket.socket]
) -> None:
    server, client = pair
    with another(reactor) as (bystander, other):
        with logged() as lines:
            client.sendall(b"raise")
            turn_until(reactor, lambda: server.lost is not None)
        assert "a protocol that fails" in "".join(lines)
        other.sendall(b"fine")
        turn_until(reactor, lambda: bystander.received == b"fine")


def test_a_protocol_that_raises_when_it_is_lost_takes_nothing_from_the_others_of_its_turn(
    reactor: LeanEPollReactor, pair: tuple[Server, socket.socket]
) -> None:
    server, client = pair

    def fail(reason: Any) -> None:
        raise RuntimeError("a storage object that fails")

    server.connectionLost = fail  # type: ignore[assignment,method-assign]
    with another(reactor) as (second, other), another(reactor) as (third, leaving):
        third.connectionLost = fail  # type: ignore[assignment,method-assign]
        with logged() as lines:
            client.sendall(b"raise")
            leaving.shutdown(socket.SHUT_WR)
            other.sendall(b"read once")
            # An error that left the turn would arrive here.
            turn_until(reactor, lambda: second.received)
        assert second.received == b"read once"
        assert "".join(lines).count("a storage object that fails") >= 2


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


def test_the_end_of_a_peer_ends_the_connection(reactor: LeanEPollReactor, pair: tuple[Server, socket.socket]) -> None:
    server, client = pair
    client.sendall(b"last")
    client.close()
    turn_until(reactor, lambda: server.lost is not None)
    assert server.received == b"last"


def test_a_unix_socket_writes_through_as_well(reactor: LeanEPollReactor, tmp_path: Any) -> None:
    factory = Factory()
    port = UNIXPort(str(tmp_path / "socket"), factory, 50, reactor=reactor)  # type: ignore[arg-type]
    port.startListening()
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(DEADLINE)
        client.connect(str(tmp_path / "socket"))
        turn_until(reactor, lambda: factory.made)
        factory.made[0].transport.write(b"at once")
        assert client.recv(100) == b"at once"


# The end of what is not read.


def lose(*servers: Server) -> None:
    """What is not read the reactor does not know: it would not be closed with it."""
    for server in servers:
        server.transport.connectionLost(Failure(ConnectionDone()))


@pytest.mark.parametrize("how", ["fin", "rst"])
@pytest.mark.parametrize("unread", [b"", b"unread"])
def test_the_end_of_a_connection_that_is_not_read_is_told(
    reactor: LeanEPollReactor, pair: tuple[Server, socket.socket], how: str, unread: bytes
) -> None:
    server, client = pair
    server.transport.pauseProducing()
    client.sendall(unread)
    if how == "rst":
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
    turn_until(reactor, lambda: server.told == ["ended"])
    assert server.lost is None
    assert server.received == b""
    lose(server)


def test_of_a_connection_that_nobody_watches_only_a_reset_is_an_end(
    reactor: LeanEPollReactor, pair: tuple[Server, socket.socket]
) -> None:
    server, client = pair
    server.transport.watcher = None
    server.transport.pauseProducing()
    client.shutdown(socket.SHUT_WR)
    for _ in range(5):
        reactor.iterate(0)
    assert server.lost is None
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
    turn_until(reactor, lambda: server.lost is not None)


def test_a_protocol_that_raises_at_its_end_takes_nobody_else_s(
    reactor: LeanEPollReactor, pair: tuple[Server, socket.socket]
) -> None:
    server, client = pair

    def fail() -> None:
        raise RuntimeError("a connection that fails at its end")

    server.transport_ended = fail  # type: ignore[method-assign]
    with another(reactor) as (second, other), another(reactor) as (third, later), logged() as lines:
        for each in (server, second, third):
            each.transport.pauseProducing()
        for each in (client, other):
            each.close()
        turn_until(reactor, lambda: second.told == ["ended"])
        later.close()
        turn_until(reactor, lambda: third.told == ["ended"])
        lose(server, second, third)
    assert "a connection has failed at its end" in "".join(lines)


def test_reading_that_goes_on_is_told_nothing_but_what_it_reads(
    reactor: LeanEPollReactor, pair: tuple[Server, socket.socket]
) -> None:
    server, client = pair
    for _ in range(3):
        server.transport.pauseProducing()
        server.transport.pauseProducing()
        server.transport.resumeProducing()
    client.sendall(b"last")
    client.close()
    turn_until(reactor, lambda: server.lost is not None)
    assert (server.received, server.told) == (b"last", [])


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


def test_nothing_is_missed_whoever_reads_pauses_and_writes_meanwhile(
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


# The end of a connection.


def port_of(server: Server) -> Any:
    return server.transport.server


def read_to_the_end(reactor: LeanEPollReactor, client: socket.socket) -> bytes:
    client.setblocking(False)
    got = [b"begin"]

    def ended() -> bool:
        try:
            got.append(client.recv(65536))
        except BlockingIOError:
            return False
        return not got[-1]

    turn_until(reactor, ended)
    return b"".join(got[1:])


def test_a_peer_that_goes_on_sending_still_reads_all_that_was_sent_before_the_end(
    reactor: LeanEPollReactor, pair: tuple[Server, socket.socket]
) -> None:
    server, client = pair
    transport = server.transport
    written = fill(server)
    transport.loseConnection()
    client.sendall(b"late")
    got = drain(reactor, client, len(written))
    turn_until(reactor, lambda: server.lost is not None)
    transport.write(b"never")
    client.sendall(b"later")
    reactor.iterate(0)
    assert (got, read_to_the_end(reactor, client)) == (written, b"")
    assert server.received == b""
    assert (transport.connected, port_of(server).lingering) == (1, 1)
    client.close()
    turn_until(reactor, lambda: not transport.connected)
    assert port_of(server).lingering == 0
    assert reactor.getDelayedCalls() == []


def test_a_peer_that_never_closes_is_not_waited_for_long(
    reactor: LeanEPollReactor, pair: tuple[Server, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    server, client = pair
    transport = server.transport
    monkeypatch.setattr("filtered_websocket.transport.lingering.LINGER_SECONDS", 0.01)
    transport.loseConnection()
    assert read_to_the_end(reactor, client) == b""
    turn_until(reactor, lambda: not transport.connected)
    assert port_of(server).lingering == 0


def test_a_peer_that_goes_on_sending_is_waited_for_longer_but_not_for_ever(
    reactor: LeanEPollReactor, pair: tuple[Server, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    server, client = pair
    transport = server.transport
    monkeypatch.setattr("filtered_websocket.transport.lingering.LINGER_SECONDS", 0.02)
    monkeypatch.setattr("filtered_websocket.transport.lingering.MAX_LINGER_SECONDS", 0.2)
    begin = reactor.seconds()
    transport.loseConnection()

    def drip() -> bool:
        with suppress(BrokenPipeError, ConnectionResetError):
            client.send(b"x")
        return not transport.connected

    turn_until(reactor, drip)
    assert reactor.seconds() - begin > 0.1
    assert port_of(server).lingering == 0
    assert reactor.getDelayedCalls() == []


def test_a_peer_that_sends_without_end_is_reset(
    reactor: LeanEPollReactor, pair: tuple[Server, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    server, client = pair
    transport = server.transport
    monkeypatch.setattr("filtered_websocket.transport.lingering.LINGER_BYTES", 1000)
    transport.loseConnection()
    client.sendall(b"x" * 1001)
    turn_until(reactor, lambda: not transport.connected)
    with pytest.raises((BrokenPipeError, ConnectionResetError)):
        client.sendall(b"x")
    assert port_of(server).lingering == 0
    assert reactor.getDelayedCalls() == []


def test_only_so_many_peers_are_waited_for(
    reactor: LeanEPollReactor, pair: tuple[Server, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    server, _ = pair
    transport = server.transport
    monkeypatch.setattr("filtered_websocket.transport.accepted.MAX_LINGERING", 1)
    with another(reactor) as (second, _):
        transport.loseConnection()
        turn_until(reactor, lambda: server.lost is not None)
        second.transport.loseConnection()
        turn_until(reactor, lambda: second.lost is not None)
        assert (transport.connected, second.transport.connected) == (1, 0)


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


ONE_BYTE_A_TURN = """
import socket
from filtered_websocket.transport.reactor import at_turn_end, install_reactor
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
        timeout=DEADLINE,
        check=False,
    )
    assert run.stdout.split() == ["1", "end", "2", "end"], run.stderr


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("auto", "LeanEPollReactor"),
        ("select", "SelectReactor"),
        ("asyncio", "AsyncioSelectorReactor"),
    ],
)
def test_each_reactor_can_be_installed(name: str, kind: str) -> None:
    code = f"from filtered_websocket.transport.reactor import install_reactor; install_reactor({name!r}); "
    code += "from twisted.internet import reactor; print(type(reactor).__name__)"
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
        env=os.environ,
    )
    assert run.stdout.strip() == kind, run.stderr

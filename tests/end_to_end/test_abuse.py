"""Attacks by real hostile clients on the real server, beside a bystander whose echoes are timed.

In each: the attacker is ended, refused or bounded, which is counted and logged; the bystander is served; the memory
comes back; the log stays small.
"""

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from filtered_websocket.monitoring.heap import LEFT
from tests.support import attacks
from tests.support.deadlines import limited
from tests.support.fws_server import STARTING, FwsServer, Start
from tests.support.raw_client import DEADLINE, RawClient, close_frame, frame, wait_until

ECHO = """
from filtered_websocket.filters.base import WebSocketMessageFilter

class Echo(WebSocketMessageFilter):
    @classmethod
    def filter(cls, connection, data):
        if data.startswith(b"+"):
            return connection.subscribe(data.decode())
        connection.sendMessage(data)
"""
P99 = 0.050
"""Seconds within which the bystander has 99 of 100 echoes."""
WINDOW = 1.0
PAUSE = 0.003
MIB = 1024 * 1024


class Bystander:
    """An honest client."""

    def __init__(self, server: FwsServer) -> None:
        self._server, self._client = server, server.open()

    def is_served(self) -> None:
        """Its echoes come in time. One second in which they do not is no fault yet: an attack that works shows in every
        second. What the server waited for a processor is this machine's part, and is taken out."""
        tries = [self._window()]
        while tries[-1] > P99 and len(tries) < 5:
            tries.append(self._window())
        print("p99", *(f"{each * 1000:.1f} ms" for each in tries))
        assert tries[-1] <= P99, tries

    def _window(self) -> float:
        """The p99 of a second, in seconds."""
        times: list[float] = []
        begin, (ran, waited) = time.monotonic(), self._server.scheduled()
        while time.monotonic() - begin < WINDOW:
            sent = time.perf_counter()
            self._client.send("there?")
            self._answer()
            times.append(time.perf_counter() - sent)
            time.sleep(PAUSE)  # the pace of its questions: without, it would be a flood itself
        ran, waited = (now - before for now, before in zip(self._server.scheduled(), (ran, waited), strict=True))
        return sorted(times)[len(times) * 99 // 100] * ran / (ran + waited)

    def _answer(self) -> None:
        got = self._client.receive()
        assert got is not None
        assert got.payload == b"there?"


class Attacker:
    """One of `attacks`, under way."""

    def __init__(self, name: str, server: FwsServer) -> None:
        assert hasattr(attacks, name)
        self.process = subprocess.Popen(
            [sys.executable, attacks.__file__, name, str(server.port)], stdout=subprocess.PIPE, text=True
        )

    def sees(self, what: str) -> None:
        """Wait until it has seen this."""
        assert self.process.stdout is not None
        with limited(self.process, STARTING):
            for line in self.process.stdout:
                if line.strip() == what:
                    return
        raise AssertionError(f"the attacker ended without having seen {what!r}")


@contextmanager
def attack(name: str, server: FwsServer) -> Iterator[Attacker]:
    attacker = Attacker(name, server)
    try:
        yield attacker
    finally:
        attacker.process.kill()
        attacker.process.wait(DEADLINE)
        assert attacker.process.stdout is not None
        attacker.process.stdout.close()


def metric(server: FwsServer, name: str) -> float:
    """What /metrics says, as soon as it is let in to ask."""

    def ask() -> str:
        with RawClient(("127.0.0.1", server.port)) as client:
            client.send(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            return client.body().decode()

    answer = wait_until(lambda: (text := ask()).startswith("HTTP/1.1 200") and text)
    return sum(float(line.rpartition(" ")[2]) for line in answer.splitlines() if line.startswith(name))


def started(factory: pytest.TempPathFactory, options: str) -> Iterator[FwsServer]:
    folder: Path = factory.mktemp("abuse")
    (folder / "echo.py").write_text(ECHO)
    with FwsServer("-f", "echo", *options.split(), cwd=folder) as server:
        yield server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FwsServer]:
    """One whose limits are as they are, but for some that these tests would wait long for."""
    patience = "--handshake_timeout 1 --http_request_timeout 1 --send_timeout 2 --close_timeout 1 --ping_interval 0"
    yield from started(tmp_path_factory, f"{patience} --send_buffer 256K --compression")


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FwsServer]:
    """One that has the limits on that are off by default."""
    limits = "--max_connections_per_address 50 --message_rate 1000"
    yield from started(tmp_path_factory, f"{limits} --handshake_timeout 60 --ping_interval 0")


@pytest.fixture(scope="module")
def bystander(server: FwsServer) -> Bystander:
    return Bystander(server)


@pytest.fixture(scope="module")
def guarded_bystander(guarded: FwsServer) -> Bystander:
    return Bystander(guarded)


GONE = [
    ("slow_handshakes", "ended", r"refused: handshake_timeout"),
    ("slow_bodies", "ended", r"refused: http \(408"),
    ("never_reads", "ended", r"closed: slow client .*send_buffer"),
    ("bombs", "ended", r"closed: protocol error 1009"),
    ("headers", "431", r"refused: handshake too large"),
    ("large_headers", "431", r"refused: handshake too large"),
    ("invalid_text", "1007", r"closed: protocol error 1007"),
    ("cross_site", "403", r"refused: origin \(https://evil\.example"),
    ("odd_heads", "400", r"refused: malformed handshake"),
    # Its reason is that of other refused requests of this server: what is said of each comes once in a while.
    ("two_lengths", "400", r"refused: http"),
    ("channels", "1008", r"refused: max_channels \(127\.0\.0\.2\)"),
    ("long_names", "1008", r"closed: max_channel_name \(127\.0\.0\.2\)"),
]
BOUNDED = ["pings", "large_pings", "fragments", "small_fragments", "small_bombs", "messages", "requests"]
BOUNDED += ["refused_requests", "unread_requests", "tiny_chunks"]


@pytest.mark.parametrize(("name", "seen", "logged"), GONE, ids=[name for name, _, _ in GONE])
def test_this_attacker_is_got_rid_of(
    server: FwsServer, bystander: Bystander, name: str, seen: str, logged: str
) -> None:
    leaves_nothing(server, bystander, name, seen)
    server.wait_for(logged)
    counted = re.match(r"(\w+): ([\w ]+\w)", logged)
    assert counted is not None
    assert metric(server, 'fws_{}_total{{reason="{}'.format(*counted.groups())) > 0


@pytest.mark.parametrize("name", BOUNDED)
def test_this_attacker_gets_its_share_and_no_more(server: FwsServer, bystander: Bystander, name: str) -> None:
    leaves_nothing(server, bystander, name, "sent")


def leaves_nothing(server: FwsServer, bystander: Bystander, name: str, seen: str) -> None:
    before, log = server.resident(), len(server.log)
    with attack(name, server) as attacker:
        attacker.sees(seen)
        bystander.is_served()
        during = server.resident()
    # The kernel may hold MiB that are yet to be gone through.
    counted = "fws_connections{", "fws_connections_opening"
    wait_until(lambda: [metric(server, each) for each in counted] == [1, 0], 8 * DEADLINE)
    after = server.resident()
    print(name, f"memory {before / MIB:.1f} {during / MIB:.1f} {after / MIB:.1f} MiB; log {len(server.log) - log}")
    assert after - before < LEFT
    assert len(server.log) - log < 5000


def test_an_address_that_takes_all_connections_gets_some_and_others_still_get_theirs(
    guarded: FwsServer, guarded_bystander: Bystander
) -> None:
    with attack("connections", guarded) as attacker:
        attacker.sees("ended")
        # 50 of its own, and 100 that wait for a second to be told; the metric's own connection.
        for _ in range(5):
            assert metric(guarded, "fws_connections_opening") <= 150
        with guarded.open() as honest:
            honest.send("me too")
            assert honest.text() == "me too"
        guarded_bystander.is_served()
    guarded.wait_for(r"refused: max_connections_per_address \(127\.0\.0\.2\)")
    wait_until(lambda: metric(guarded, "fws_connections_opening") == 0)


def test_a_storm_of_connections_is_let_in_at_the_accept_rate(fws_server: Start) -> None:
    server = fws_server("-f", "my_filters", "--accept_rate", "50", module=ECHO)
    bystander = Bystander(server)
    begin, before = time.monotonic(), metric(server, "fws_connections_opened_total")
    with attack("storm", server) as attacker:
        attacker.sees("refused")
        server.wait_for(r"refused: accept_rate \(127\.0\.0\.2\)")
        bystander.is_served()
        opened = metric(server, "fws_connections_opened_total") - before
        assert opened <= 50 + 50 * (time.monotonic() - begin)


def test_clients_that_are_gone_without_a_word_are_noticed(fws_server: Start) -> None:
    server = fws_server("-f", "my_filters", "--ping_interval", "1", "--ping_timeout", "1", module=ECHO)
    bystander = Bystander(server)
    with attack("half_open", server) as attacker:
        end = time.monotonic() + DEADLINE
        # The bystander, too, must say something now and then.
        while "closed: ping timeout (127.0.0.2)" not in server.log and time.monotonic() < end:
            bystander.is_served()
        attacker.sees("ended")


def test_a_flood_of_messages_is_slowed_to_the_message_rate(guarded: FwsServer, guarded_bystander: Bystander) -> None:
    begin, before = time.monotonic(), metric(guarded, "fws_messages_received_total")
    with attack("messages", guarded) as attacker:
        attacker.sees("sent")
        guarded_bystander.is_served()
        guarded.wait_for(r"slowed: message_rate \(127\.0\.0\.2\)")
        received = metric(guarded, "fws_messages_received_total") - before
        # Four clients that began with five seconds' worth, and the bystander.
        assert received <= 4 * (5000 + 1000 * (time.monotonic() - begin)) + (time.monotonic() - begin) / PAUSE
    wait_until(lambda: metric(guarded, "fws_connections{") == 1)


# What a client has sent comes before its end, and is read at its rate.
@pytest.mark.leaves("a socket of a client", "fws_connections{")
@pytest.mark.parametrize("name", ["pings", "fragments"])
@pytest.mark.parametrize(("over_rate", "counted", "seen"), [("wait", "slowed", "sent"), ("close", "closed", "ended")])
def test_a_flood_of_what_is_no_message_has_the_byte_rate(
    fws_server: Start, name: str, over_rate: str, counted: str, seen: str
) -> None:
    options = ("--byte_rate", "16K", "--over_rate", over_rate, "--close_timeout", "1")
    server = fws_server("-f", "my_filters", *options, module=ECHO)
    bystander = Bystander(server)
    with attack(name, server) as attacker:
        attacker.sees(seen)
        server.wait_for(counted + r": byte_rate \(127\.0\.0\.2\)")
        bystander.is_served()
    assert metric(server, f'fws_{counted}_total{{reason="byte_rate"') > 0


def test_a_client_that_sends_too_many_bytes_is_told_1008_where_that_is_asked_for(fws_server: Start) -> None:
    server = fws_server("-f", "my_filters", "--byte_rate", "13K", "--over_rate", "close", module=ECHO)
    with server.open() as client:
        # 190 kB of fragments, which nobody answers: within five seconds' worth is the first read only, also where
        # others come seconds later.
        client.send(frame("x", fin=False) + frame("x" * 9, 0, fin=False) * 12600, close_frame(1008))
        assert client.closed() == (1008, "byte_rate")

"""Connections that end with their tokens: one timer, the wall clock, nothing left behind."""

import gc
import time
from types import SimpleNamespace

import pytest
from twisted.internet.task import Clock

from filtered_websocket.filters.shared.expiries import AT_ONCE, LOOK_SECONDS, SPARE, Expiries
from filtered_websocket.monitoring.counters import Counters


class Client:
    """What is closed."""

    def __init__(self, counters):
        self.pipeline = SimpleNamespace(server=SimpleNamespace(counters=counters))
        self.request = SimpleNamespace(peer="192.0.2.1")
        self.closed = None

    def close(self, code, reason):
        self.closed = (code, reason)


class Times:
    """A reactor, and a wall clock that goes with it but may be set."""

    def __init__(self, monkeypatch):
        self.clock, self.offset = Clock(), 1_000_000.0
        monkeypatch.setattr(time, "time", lambda: self.clock.seconds() + self.offset)
        self.expiries, self.counters = Expiries(self.clock), Counters(self.clock)

    def client(self, seconds):
        client = Client(self.counters)
        self.expiries.add(client, time.time() + seconds)
        return client

    @property
    def timers(self):
        """But for that of the counters, which sums up."""
        return len([each for each in self.clock.getDelayedCalls() if each.func == self.expiries._look])


@pytest.fixture
def times(monkeypatch):
    return Times(monkeypatch)


def test_each_ends_at_its_time_by_one_timer_and_is_counted(times):
    clients = [times.client(seconds) for seconds in (30, 10, 20, 200)]
    ended = []
    for _ in range(200):
        assert times.timers == 1
        times.clock.advance(1)
        ended += [index for index, client in enumerate(clients) if client.closed and index not in ended]
        assert len(times.expiries) == 4 - len(ended)
    assert ended == [1, 2, 0, 3]
    assert clients[0].closed == (1008, "the token has expired")
    assert times.timers == 0
    assert times.counters.totals["closed", "token expired"] == 4


def test_one_that_ends_is_forgotten_and_no_timer_stays(times):
    first, second = times.client(10), times.client(20)
    times.expiries.discard(first)
    times.expiries.discard(first)
    times.clock.advance(15)
    times.expiries.discard(second)
    assert times.timers == 0
    times.clock.advance(15)
    assert (first.closed, second.closed) == (None, None)


def test_a_later_token_takes_the_place_of_the_former(times):
    client = times.client(10)
    times.expiries.add(client, time.time() + 30)
    times.clock.advance(20)
    assert client.closed is None
    times.clock.advance(10)
    assert client.closed


def test_a_clock_that_is_set_forward_ends_them_within_a_look_and_one_set_back_ends_none(times):
    client, other = times.client(7200), times.client(100)
    times.offset -= 1000
    times.clock.advance(101)
    assert other.closed is None
    times.offset += 9000
    times.clock.advance(LOOK_SECONDS)
    assert client.closed
    assert other.closed


def test_many_at_once_end_a_few_in_a_turn(times):
    turns, look = [], times.expiries._look

    def count():
        look()
        turns.append(len(times.expiries))

    times.expiries._look = count
    clients = [times.client(10) for _ in range(3 * AT_ONCE)]
    times.clock.advance(10)
    assert turns == [2 * AT_ONCE, AT_ONCE, 0]
    assert all(client.closed for client in clients)
    assert times.timers == 0


def test_clients_that_come_and_go_leave_nothing(times):
    stays = times.client(1_000_000)
    for _ in range(20 * SPARE):
        times.expiries.discard(times.client(100_000))
    assert len(times.expiries._heap) <= 2 + SPARE
    # One that nobody has told of, either.
    times.client(50)
    gc.collect()
    assert len(times.expiries) == 1
    times.expiries.stop()
    assert times.timers == 0
    assert stays.closed is None

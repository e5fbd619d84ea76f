"""Pings, and the end of a client that does not answer."""

import pytest
from twisted.internet.task import Clock

from filtered_websocket.limits.heartbeat import Heartbeat


class Peer:
    """A connection as the heartbeat knows it."""

    slot = 0

    def __init__(self, clock):
        self.clock = clock
        self.awaiting_pong = None
        self.still = False
        self.pings = []
        self.ended = None

    def standing_still(self):
        return self.still

    def sendPing(self):
        self.pings.append(self.clock.seconds())

    def ping_timed_out(self):
        self.ended = self.clock.seconds()

    def hears(self):
        """What a connection does when bytes arrive."""
        if self.awaiting_pong:
            self.awaiting_pong = False


@pytest.fixture
def clock():
    return Clock()


def pass_seconds(clock, seconds, *answering):
    for _ in range(seconds):
        clock.advance(1)
        for peer in answering:
            peer.hears()


def begin(clock, interval, timeout, *peers):
    heartbeat = Heartbeat(clock, interval, timeout)
    heartbeat.start()
    for peer in peers:
        heartbeat.add(peer)
    return heartbeat


def test_a_client_is_pinged_in_every_interval_and_lives_while_it_answers(clock):
    peer = Peer(clock)
    begin(clock, 5, 2, peer)
    pass_seconds(clock, 50, peer)
    assert 1 <= peer.pings[0] <= 5
    assert {after - before for before, after in zip(peer.pings, peer.pings[1:], strict=False)} == {5}
    assert peer.ended is None


def test_short_intervals_are_kept_to_a_slot(clock):
    peer, silent = Peer(clock), Peer(clock)
    heartbeat = Heartbeat(clock, 0.5, 0.25, slot=0.125)
    heartbeat.start()
    heartbeat.add(peer)
    heartbeat.add(silent)
    for _ in range(40):
        clock.advance(0.125)
        if peer.awaiting_pong:
            peer.hears()
    assert peer.pings[0] == silent.pings[0] == 0.375
    assert {after - before for before, after in zip(peer.pings, peer.pings[1:], strict=False)} == {0.5}
    assert (silent.ended, len(silent.pings), peer.ended) == (0.625, 1, None)


def test_a_client_that_does_not_answer_in_time_is_ended_once(clock):
    peer = Peer(clock)
    begin(clock, 5, 2, peer)
    pass_seconds(clock, 30)
    assert peer.pings == [peer.ended - 2]


def test_any_bytes_count_as_the_answer(clock):
    peer = Peer(clock)
    begin(clock, 3, 2, peer)
    while not peer.pings:
        pass_seconds(clock, 1)
    peer.hears()
    pass_seconds(clock, 3)
    assert len(peer.pings) == 2
    assert peer.ended is None


def test_the_timeout_may_be_longer_than_the_interval(clock):
    peer, silent = Peer(clock), Peer(clock)
    begin(clock, 2, 6, peer, silent)
    pass_seconds(clock, 30, peer)
    assert len(peer.pings) >= 3
    assert peer.ended is None
    assert silent.ended == silent.pings[0] + 6


def test_the_clock_stands_still_while_a_filter_is_awaited_or_bytes_wait(clock):
    peer = Peer(clock)
    begin(clock, 2, 1, peer)
    peer.still = True
    pass_seconds(clock, 20)
    assert peer.pings == []
    peer.still = False
    pass_seconds(clock, 3, peer)
    assert peer.pings
    assert peer.ended is None


def test_a_ping_that_is_not_answered_because_of_a_wait_begins_anew_after_it(clock):
    peer = Peer(clock)
    begin(clock, 4, 2, peer)
    while not peer.pings:
        pass_seconds(clock, 1)
    peer.still = True
    pass_seconds(clock, 10)
    peer.still = False
    assert peer.ended is None
    pass_seconds(clock, 1)
    assert len(peer.pings) == 2
    pass_seconds(clock, 2)
    assert peer.ended is not None


def test_without_a_timeout_there_are_pings_and_no_ends(clock):
    peer = Peer(clock)
    begin(clock, 3, 0, peer)
    pass_seconds(clock, 30)
    assert 9 <= len(peer.pings) <= 10
    assert peer.ended is None


def test_without_an_interval_there_is_nothing(clock):
    peer = Peer(clock)
    heartbeat = begin(clock, 0, 5, peer)
    assert clock.getDelayedCalls() == []
    pass_seconds(clock, 20)
    assert peer.pings == []
    heartbeat.remove(peer)
    heartbeat.stop()


def test_a_client_that_has_gone_is_forgotten_and_one_that_never_came_is_fine(clock):
    peer, never = Peer(clock), Peer(clock)
    heartbeat = begin(clock, 3, 1, peer)
    heartbeat.remove(peer)
    heartbeat.remove(peer)
    heartbeat.remove(never)
    pass_seconds(clock, 20)
    assert peer.pings == []


def test_a_crowd_that_came_together_is_spread_over_the_second_half_of_the_interval(clock):
    crowd = [Peer(clock) for _ in range(200)]
    begin(clock, 10, 5, *crowd)
    pass_seconds(clock, 10, *crowd)
    firsts = [peer.pings[0] for peer in crowd]
    assert set(firsts) == set(range(5, 11))


def test_a_stopped_heartbeat_leaves_no_timer(clock):
    heartbeat = begin(clock, 3, 1, Peer(clock))
    heartbeat.stop()
    heartbeat.stop()
    assert clock.getDelayedCalls() == []

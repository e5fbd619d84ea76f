import pytest
from twisted.internet.task import Clock

from filtered_websocket.limits.ticker import Ticker


@pytest.fixture
def ticks():
    return []


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def ticker(clock, ticks):
    ticker = Ticker(clock, lambda: ticks.append(clock.seconds()))
    ticker.start()
    return ticker


def pass_seconds(clock, *seconds):
    for each in seconds:
        clock.advance(each)


def test_there_is_a_call_every_second(ticker, clock, ticks):
    pass_seconds(clock, 1, 1, 1)
    assert ticks == [1, 2, 3]


def test_a_second_in_which_the_reactor_was_held_is_left_out_and_the_next_is_not(ticker, clock, ticks):
    pass_seconds(clock, 1, 5, 1, 1)
    assert ticks == [1, 7, 8]
    ticks.clear()
    pass_seconds(clock, 2, 2, 2, 2)
    assert ticks == [12, 16]


def test_nothing_is_called_after_the_end(ticker, clock, ticks):
    pass_seconds(clock, 1)
    ticker.stop()
    pass_seconds(clock, 1, 1)
    assert ticks == [1]
    assert not clock.getDelayedCalls()
    ticker.stop()

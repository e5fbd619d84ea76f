"""One table says what an exception means; each place names what it knows."""

import asyncio
from unittest.mock import Mock

import pytest
from twisted.internet.defer import CancelledError

from filtered_websocket.chain.outcomes import CANCELLED, FAILURE, outcome, report
from filtered_websocket.errors import Close, NotAllowed, Reject, StopChain, StorageAway

EVERYTHING = (StopChain, Close, Reject, NotAllowed, StorageAway, *CANCELLED)


@pytest.mark.parametrize(
    ("error", "close", "response", "counted"),
    [
        (StopChain(), (None, ""), (0, ""), ""),
        (Close(4001, "enough"), (4001, "enough"), (403, "Forbidden"), ""),
        (Reject(429, "Slow Down"), (1008, "Slow Down"), (429, "Slow Down"), ""),
        (NotAllowed("max_channels", "50 is all"), (1008, "50 is all"), (500, "Internal Server Error"), "max_channels"),
        (
            StorageAway("for now"),
            (1013, "try again later"),
            (503, "the storage is away: try again"),
            "the storage object is away",
        ),
        (CancelledError(), (1011, ""), (503, "the server is stopping"), ""),
        (asyncio.CancelledError(), (1011, ""), (503, "the server is stopping"), ""),
    ],
)
def test_what_an_exception_means(error, close, response, counted):
    meant = outcome(error, EVERYTHING)
    assert (meant.code, meant.reason) == close
    assert (meant.status, meant.text) == response
    assert meant.counted == counted
    assert not meant.failed
    assert outcome(error, ()) == FAILURE


@pytest.mark.parametrize("error", [ZeroDivisionError(), KeyboardInterrupt(), GeneratorExit(), ValueError()])
def test_any_other_is_a_failure(error):
    assert outcome(error, EVERYTHING) == FAILURE
    assert (FAILURE.code, FAILURE.status, FAILURE.failed) == (1011, 500, True)


def test_a_refusal_brings_its_headers():
    assert outcome(Reject(401, "Who", {"WWW-Authenticate": "Basic"}), (Reject,)).headers == (
        ("WWW-Authenticate", "Basic"),
    )
    assert outcome(StorageAway(), (StorageAway,)).headers == (("Retry-After", "1"),)


def test_a_failure_is_counted_with_the_filter_it_came_out_of():
    counters = Mock()
    try:
        raise ZeroDivisionError
    except ZeroDivisionError as error:
        report(counters, error)
        report(counters, error, "dropped", "a consumer filter failed")
    name = f"{__name__}.{test_a_failure_is_counted_with_the_filter_it_came_out_of.__name__}"
    assert [call.args for call in counters.count.call_args_list] == [
        ("failed", "filter", name),
        ("dropped", "a consumer filter failed", name),
    ]

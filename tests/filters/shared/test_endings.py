"""What the server's end waits for."""

import pytest
from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure

from filtered_websocket.errors import StorageAway
from filtered_websocket.filters.shared.endings import failed, under_way
from filtered_websocket.testing.server import Server
from tests.support.small_filters import Echo


@pytest.fixture
def server():
    with Server(Echo) as server:
        yield server


def test_a_caller_hears_what_the_step_comes_to(server):
    step, heard = Deferred(), []
    under_way(step, server.server).addBoth(heard.append)
    assert heard == []
    step.callback("told")
    assert heard == ["told"]


def test_a_caller_hears_of_a_failure_and_nothing_is_logged(server):
    step, heard = Deferred(), []
    under_way(step, server.server).addErrback(heard.append)
    step.errback(ValueError("no"))
    assert heard[0].check(ValueError)
    assert server.errors == []


def test_a_step_goes_on_when_its_caller_waits_no_more_and_its_failure_is_logged(server):
    cancelled, step = [], Deferred(lambda _: cancelled.append("the step"))
    heard = under_way(step, server.server)
    heard.addErrback(lambda failure: failure.trap(CancelledError))
    heard.cancel()
    assert cancelled == []
    step.errback(ValueError("could not be told"))
    (error,) = server.errors
    assert "could not be told" in error


# A step that the server's end does not wait for any more goes on.
@pytest.mark.leaves("in the server's owed: ", "of under_way ")
@pytest.mark.parametrize("in_time", [True, False])
def test_the_servers_end_waits_for_a_step_as_long_as_stop_seconds(in_time):
    step, stopped = Deferred(), []
    with Server(Echo, stop_seconds=5) as server:
        under_way(step, server.server)
        begin = server.reactor.seconds()
        server.server.stop().addBoth(lambda _: stopped.append(server.reactor.seconds() - begin))
        server.advance(1)
        assert stopped == []
        if in_time:
            step.callback(None)
        server.advance(5)
        assert [seconds <= 1.5 for seconds in stopped] == [in_time]


@pytest.mark.parametrize(("error", "logged"), [(StorageAway("away"), 0), (ValueError("a fault"), 1)])
def test_what_others_will_see_to_is_not_logged(server, error, logged):
    failed(Failure(error))
    assert len(server.errors) == logged

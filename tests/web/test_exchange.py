"""One request and its response: what waits, and what ends the wait."""

from typing import Any

import pytest
from twisted.internet.defer import CancelledError, Deferred

from filtered_websocket.web.base import Endpoint, HTTPRequest
from filtered_websocket.web.body import Sized
from filtered_websocket.web.exchange import Exchange
from filtered_websocket.web.routes import NO_PIPELINE, Route
from tests.support.endpoints import endpoint
from tests.support.http_client import ended, read_answer
from tests.support.reactor_thread import call, until
from tests.support.serving import serving


def test_a_long_poll_waits_and_is_cancelled_when_its_client_goes() -> None:
    waiting: list[Deferred[Any]] = []
    ends: list[BaseException] = []

    def poll(pipeline: Any, request: HTTPRequest) -> Any:
        waiting.append(Deferred())
        waiting[-1].addErrback(lambda failure: (ends.append(failure.value), failure)[1])
        return waiting[-1]

    with serving(endpoint("/poll", poll)) as served:
        with served.client() as client:
            client.send(b"GET /poll HTTP/1.1\r\nHost: h\r\n\r\n")
            until(lambda: len(waiting) == 1)
            call(waiting[0].callback, "news")
            assert read_answer(client).body == b"news"
            client.send(b"GET /poll HTTP/1.1\r\nHost: h\r\n\r\n")
            until(lambda: len(waiting) == 2)
        until(lambda: bool(ends))
        assert isinstance(ends[0], CancelledError)
        until(lambda: not served.server.site.connections)


def test_a_long_poll_ends_with_503_when_the_server_stops() -> None:
    reached: list[Any] = []

    def poll(pipeline: Any, request: HTTPRequest) -> Any:
        reached.append(Deferred())
        return reached[-1]

    with serving(endpoint("/poll", poll)) as served, served.client() as client, served.client() as resting:
        client.send(b"GET /poll HTTP/1.1\r\nHost: h\r\n\r\n")
        resting.send(b"GET /health/live HTTP/1.1\r\nHost: h\r\n\r\n")
        until(lambda: bool(reached))
        assert read_answer(resting).status == 200
        call(served.server.site.shut)
        answer = read_answer(client)
        assert (answer.status, answer.headers["connection"]) == (503, "close")
        assert ended(client)
        assert ended(resting)


@pytest.mark.parametrize("seconds", [0.0, 2.5], ids=["at once", "after clients were cut off"])
def test_a_request_that_changes_something_is_not_cut_off_by_the_servers_end(seconds: float) -> None:
    """The kind: a stop in the middle. What was done of it would be done again, since the answer said 503."""
    reached: list[Any] = []
    changed: list[str] = []

    async def change(pipeline: Any, request: HTTPRequest) -> Any:
        waits: Deferred[None] = Deferred()
        reached.append(waits)
        changed.append("begun")
        await waits
        changed.append("done")
        return {}

    with serving(endpoint("/change", change, ("POST",))) as served, served.client() as client:
        client.send(b"POST /change HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n")
        until(lambda: bool(reached))

        def stop() -> Any:
            stopped = served.server.stop()
            served.server.reactor.callLater(seconds, reached[0].callback, None)
            return stopped

        call(stop)
        answer = read_answer(client)
        assert (answer.status, answer.headers["connection"]) == (200, "close")
        assert changed == ["begun", "done"]


class Poll(Endpoint):
    long_poll = ("GET",)


def exchange(method: str, given: type[Endpoint] = Endpoint) -> Exchange:
    return Exchange(HTTPRequest(method, "/"), Route(given, NO_PIPELINE, 0), Sized(0))


@pytest.mark.parametrize(
    ("method", "given", "polls", "works"),
    [
        ("GET", Endpoint, False, False),
        ("HEAD", Endpoint, False, False),
        ("POST", Endpoint, False, True),
        ("GET", Poll, True, False),
        ("DELETE", Poll, False, True),
    ],
)
def test_a_request_that_waits_is_a_long_poll_or_may_change_something(
    method: str, given: type[Endpoint], polls: bool, works: bool
) -> None:
    one = exchange(method, given)
    assert (one.is_long_poll, one.at_work) == (polls, False)
    one.waiting = Deferred()
    assert (one.is_long_poll, one.at_work) == (polls, works)


def test_an_exchange_that_is_cancelled_ends_what_it_waits_for() -> None:
    one, ended = exchange("POST"), []
    one.cancel()
    one.waiting = Deferred(lambda _: ended.append("waiting"))
    one.waiting.addErrback(lambda failure: failure.trap(CancelledError))
    one.cancel()
    assert ended == ["waiting"]

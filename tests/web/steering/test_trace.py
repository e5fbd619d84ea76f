"""GET /trace over HTTP."""

import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.support.http_client import ask
from tests.support.raw_client import DEADLINE
from tests.support.reactor_thread import call, until
from tests.support.serving import Served, serving
from tests.support.steering import Named, Spread

SECRET = {"Authorization": "Bearer admin"}


@contextmanager
def reading(served: Served, query: str) -> Iterator[Iterator[dict[str, Any]]]:
    """The events of a trace, one after another."""
    connection = http.client.HTTPConnection(*served.address, timeout=DEADLINE)
    connection.request("GET", f"/trace?{query}", headers=SECRET)
    response = connection.getresponse()
    assert (response.status, response.headers["content-type"]) == (200, "text/event-stream")

    def events() -> Iterator[dict[str, Any]]:
        for line in response:
            if line.startswith(b"data: "):
                yield json.loads(line[6:])

    try:
        yield events()
    finally:
        response.close()
        connection.close()


def test_a_trace_streams_what_a_user_does_and_ends_with_its_reader() -> None:
    with serving(Named, Spread, admin_secret="admin") as served, served.open("/?user=ann") as client:
        until(lambda: served.users)
        with reading(served, "user=ann") as events:
            begun = next(events)
            assert (begun["what"], begun["connections"], begun["unanswered"]) == ("begun", 1, [])
            client.send('nobody {"token": "secret\u2028\r\n"}')
            received = next(events)
            assert received["payload"] == 'nobody {"token": "(hidden)"}'
            assert (received["what"], received["user"], received["process"]) == (
                "received",
                "ann",
                begun["processes"][0],
            )
            assert [next(events)["what"] for _ in range(2)] == ["publish", "filter"]
        until(lambda: not served.server.tracing.runs)


def test_a_trace_is_over_when_its_time_is() -> None:
    with serving(Named, Spread, admin_secret="admin") as served, reading(served, "user=ann&seconds=1") as events:
        assert [each["what"] for each in events] == ["begun", "over"]
        until(lambda: not served.server.tracing.runs)


def test_a_reader_that_reads_nothing_holds_nothing_up_and_what_it_loses_is_counted() -> None:
    with serving(Named, Spread, admin_secret="admin") as served, served.open("/?user=ann") as client:
        until(lambda: served.users)
        slow = served.client(receive_buffer=4096)
        slow.send(b"GET /trace?user=ann HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer admin\r\n\r\n")
        until(lambda: served.server.tracing.runs)
        totals = served.server.counters.totals

        def dropped() -> int:
            client.send(*["nobody " + "x" * 5000] * 100)
            return call(lambda: totals["dropped", "a trace that is read too slowly"])

        for _ in range(10_000):
            if dropped():
                break
        else:
            raise AssertionError("nothing was dropped")
        (site,) = served.server.sites
        assert call(lambda: max(each._taking.pending for each in site.connections)) < 1 << 20  # type: ignore[attr-defined]
        slow.socket.close()
        until(lambda: not served.server.tracing.runs)


@pytest.mark.parametrize(
    ("query", "says"),
    [("", "what is to be traced?"), ("user=a&id=b", "what is to be traced?"), ("user=a&seconds=3601", "1 to 3600")],
)
def test_what_is_asked_for_wrongly_is_told_in_a_sentence(query: str, says: str) -> None:
    with serving(Named, Spread, admin_secret="admin") as served:
        answer = ask(served.address, "GET", f"/trace?{query}", None, SECRET)
        assert answer.status == 400
        assert says in answer.json["error"]
        assert not served.server.tracing.runs


def test_only_so_many_traces_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("filtered_websocket.server.tracing.MAX_TRACES", 1)
    with serving(Named, Spread, admin_secret="admin") as served, reading(served, "user=ann") as events:
        next(events)
        assert ask(served.address, "GET", "/trace?user=ann", None, SECRET).status == 503
        assert call(lambda: len(served.server.tracing._listeners)) == 1

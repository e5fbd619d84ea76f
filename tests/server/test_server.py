from typing import Any

import pytest

from filtered_websocket.errors import Close, ConfigError
from filtered_websocket.filters.base import (
    FilterMeta,
    WebSocketStartFilter,
    WebSocketStopFilter,
)
from tests.support.raw_client import RawClient, frame, head
from tests.support.reactor_thread import call
from tests.support.serving import Events, a_turn, pairing, serving
from tests.support.stopping import stopping

# Beginning.


def test_start_and_stop_filters_run_once_around_everything() -> None:
    events = Events()

    class Starts(WebSocketStartFilter):
        @classmethod
        async def filter(cls, pipeline: Any, data: None) -> None:
            await a_turn()
            events.tell(("start", data, len(pipeline.users)))

    class Stops(WebSocketStopFilter):
        @classmethod
        def filter(cls, pipeline: Any, data: None) -> None:
            events.tell(("stop", data, len(pipeline.users)))

    with serving(Starts, Stops, *pairing(events)) as served:
        client = served.open()
        stopped = stopping(served)
        client.closed()
        call(lambda: stopped)
    assert [events.next() for _ in range(4)] == [
        ("start", None, 0),
        "open",
        (1001, "server is stopping"),
        ("stop", None, 0),
    ]


@pytest.mark.parametrize("error", [ValueError("no\nluck"), Close(1000, "x"), KeyError("k")], ids=repr)
def test_a_start_filter_that_fails_stops_the_start_with_one_line(error: BaseException) -> None:
    class Fails(WebSocketStartFilter):
        @classmethod
        async def filter(cls, pipeline: Any, data: None) -> None:
            await a_turn()
            raise error

    with pytest.raises(ConfigError) as caught, serving(Fails):
        pass
    (line,) = caught.value.faults
    assert "Fails.filter" in line
    assert type(error).__name__ in line
    assert "\n" not in line


# Endings of every kind leave nothing.


def test_a_hundred_endings_of_every_kind_leave_nothing() -> None:
    events = Events()
    gone: list[FilterMeta] = [*pairing(events)]
    with serving(*gone, max_message_size=1000) as served:
        for number in range(100):
            client = served.client()
            _end(client, number % 5)
        served.until_empty()
        told = [events.next() for _ in range(2 * served.server.accepted)]
        assert told.count("open") == served.server.accepted == 60
        assert events.none_is_left()
        assert served.server.pipelines[0].hub.channels == {}


def _end(client: RawClient, kind: int) -> None:
    if kind == 0:
        client.open().quit()
    elif kind == 1:
        client.open().reset()
    elif kind == 2:
        client.open().send(frame("x" * 2000))
        client.closed()
    elif kind == 3:
        client.send(head()[:30])
        client.reset()
    else:
        client.send(b"\0garbage\r\n\r\n")
        client.body()

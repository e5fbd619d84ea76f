"""One connection, now HTTP's and now a WebSocket's: nothing is lost between them, nothing is counted twice."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.support.http_client import ended, read_answer
from tests.support.raw_client import RawClient, frame, head
from tests.support.reactor_thread import call, until
from tests.support.serving import Events, Served, echo, on_data, on_message, pairing, serving

LIVE = b"GET /health/live HTTP/1.1\r\nHost: h\r\n\r\n"


def counts(served: Served) -> tuple[int, int]:
    """Connections that are WebSockets, or may become one, and those that are HTTP's."""
    return served.server.countConnections, len(served.server.site.connections)


def watched(seen: list[bytes]) -> Any:
    """A data filter that changes nothing; what speaks HTTP is then reached through the connection."""
    return on_data(lambda connection, data: seen.append(bytes(data)))


@pytest.mark.parametrize("filtered", [False, True], ids=["plain", "behind a data filter"])
def test_a_connection_changes_hands_and_is_counted_once(filtered: bool) -> None:
    events, seen = Events(), list[bytes]()
    filters = [watched(seen)] if filtered else []
    with serving(on_message(echo), *pairing(events), *filters) as served, served.client() as client:
        client.send(LIVE)
        assert read_answer(client).status == 200
        assert call(counts, served) == (0, 1)
        assert events.none_is_left()
        client.send(head() + frame("behind it"))
        assert client.response().status == 101
        assert client.text() == "behind it"
        assert call(counts, served) == (1, 0)
        client.quit()
        assert [events.next(), events.next()] == ["open", (1000, "")]
        served.until_empty()
        assert call(counts, served) == (0, 0)
        assert events.none_is_left()
        if filtered:
            assert b"".join(seen).startswith(LIVE + head() + frame("behind it"))


def test_empty_lines_before_a_handshake_are_none_and_lead_nobody_past_a_data_filter() -> None:
    seen: list[bytes] = []
    with serving(on_message(echo), watched(seen)) as served, served.client() as client:
        pieces = [b"\r", b"\n", b"\r\n" + head()[:5], head()[5:]]
        for piece in pieces:
            client.send(piece)
            call(lambda: None)
        assert client.response().status == 101
        assert call(lambda: b"".join(seen)) == b"".join(pieces)
    with serving(on_message(echo)) as served, served.client() as client:
        client.send(b"\r\n" * 100 + head() + frame("behind it"))
        assert client.response().status == 101
        assert client.text() == "behind it"


def test_one_more_than_max_http_connections_is_told_when_to_come_again() -> None:
    with serving(max_http_connections=1) as served, served.client() as first, served.client() as second:
        first.send(LIVE)
        assert read_answer(first).status == 200
        second.send(LIVE)
        answer = read_answer(second)
        assert (answer.status, answer.headers["retry-after"]) == (503, "1")
        assert ended(second)
        assert served.counted("refused", "max_http_connections") == 1
        first.send(LIVE)
        assert read_answer(first).status == 200


def test_the_time_of_a_handshake_does_not_end_a_connection_that_is_https() -> None:
    with serving(handshake_timeout=10) as served, served.client() as client:
        client.send(LIVE)
        assert read_answer(client).status == 200
        (http,) = call(lambda: served.server.site.connections)
        # Its timer is cancelled, and a new one runs from the moment when it asks for a WebSocket.
        assert http.former.openHandshakeTimeoutCall is None
        client.send(head())
        assert client.response().status == 101


@contextmanager
def not_started(served: Served) -> Iterator[None]:
    """As while the storage object and start filters have not answered yet."""
    served.server.started = False
    yield

    def start() -> None:
        served.server.started = True
        for connection in list(served.server.site.connections):
            connection.server_started()

    call(start)


@pytest.mark.parametrize("filtered", [False, True], ids=["plain", "behind a data filter"])
def test_what_came_before_the_start_is_served_then_from_its_first_byte(filtered: bool) -> None:
    seen = list[bytes]()
    with serving(on_message(echo), *[watched(seen)] * filtered) as served:
        with not_started(served):
            client, silent = served.client(), served.client()
            client.send(head() + frame("early"))
            until(lambda: any(each._held for each in served.server.site.connections))
            assert seen == []
        assert client.response().status == 101
        assert client.text() == "early"
        assert b"".join(seen) == (head() + frame("early") if filtered else b"")
        silent.socket.close()
        until(lambda: counts(served) == (1, 0))


def test_a_connection_that_said_nothing_before_the_start_may_become_either() -> None:
    with serving(on_message(echo)) as served:
        clients: list[RawClient] = []
        with not_started(served):
            clients += [served.client(), served.client()]
            until(lambda: counts(served)[1] == 2)
        clients[0].send(LIVE)
        assert read_answer(clients[0]).status == 200
        clients[1].open().send("hello")
        assert clients[1].text() == "hello"
        assert call(counts, served) == (1, 1)

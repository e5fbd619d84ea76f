"""An HTTP connection that becomes a WebSocket."""

from contextlib import suppress
from typing import Any

import pytest

from filtered_websocket.filters.base import WebSocketDataFilter
from filtered_websocket.testing.client import Refused
from filtered_websocket.testing.server import Server as InMemory
from tests.support.certificates import write
from tests.support.echo_requests import Answer, Echo, get, post, until_gone
from tests.support.http_client import ended, read_answer
from tests.support.raw_client import close_frame, frame, head
from tests.support.reactor_thread import call, until
from tests.support.serving import serving


class Watch(WebSocketDataFilter):
    """Does nothing, but what speaks HTTP is then reached through the connection."""

    @classmethod
    def filter(cls, connected: Any, data: bytes) -> None: ...


@pytest.mark.parametrize("way", ["plain", "tls", "behind a data filter"])
def test_a_connection_that_was_http_may_become_a_websocket(way: str, tmp_path: Any) -> None:
    # As proxies do it, nginx with `keepalive` say, which send any client's request on any connection they have kept.
    options: dict[str, Any] = {}
    if way == "tls":
        files = write(tmp_path)
        options = {"key": files.key, "cert": files.cert}
    filters = (Echo, Answer, Watch) if way == "behind a data filter" else (Echo, Answer)
    with serving(*filters, max_connections_per_address=1, **options) as served, served.client() as client:
        for number in range(3):
            client.send(get(str(number)))
            assert read_answer(client).body == f"GET {number} ".encode()
        client.send(head("/", [("X-Mine", "1")]) + frame("at once"))
        assert client.response().status == 101
        assert client.text() == "at once"
        client.send("x" * 1000, "later")
        assert [client.text(), client.text()] == ["x" * 1000, "later"]
        assert call(lambda: (served.server.countConnections, len(served.server.site.connections))) == (1, 0)
        assert call(lambda: [each.request.headers["x-mine"] for each in served.server.connections]) == ["1"]
        # It still counts for its address, once. On a busy machine another may come too late to be told so.
        with suppress(OSError), served.client() as another:
            another.send(get())
        until(lambda: served.server.counters.totals["refused", "max_connections_per_address"] == 1)
        client.send(close_frame())
        assert client.closed() == (1000, "")
        until_gone(served)
        until(lambda: not len(served.server.admission.addresses))


def test_a_handshake_behind_requests_that_came_with_it_waits_for_their_answers() -> None:
    with serving(Echo, Answer) as served, served.client() as client:
        client.send(get("1") + post(b"2") + head() + frame("3"))
        assert [read_answer(client).body for _ in range(2)] == [b"GET 1 ", b"POST  2"]
        assert client.response().status == 101
        assert client.text() == "3"


def test_a_handshake_that_is_refused_on_a_connection_that_was_http_ends_it() -> None:
    with serving(Echo, Answer) as served, served.client() as client:
        client.send(get())
        assert read_answer(client).status == 200
        client.send(head("/", [("Origin", "https://evil.example")]))
        answer = read_answer(client)
        assert (answer.status, answer.headers["connection"]) == (403, "close")
        assert ended(client)
        client.socket.close()
        until_gone(served)


def test_a_handshake_that_comes_before_the_start_is_done_behind_it() -> None:
    server = InMemory(Answer)
    client = server.connect()
    assert not client.is_open
    with server:
        assert client.is_open
        client.send("first")
        assert client.received() == ["first"]
        assert (server.server.countConnections, len(server.server.site.connections)) == (1, 0)
        client.close()


def test_a_handshake_that_waits_for_the_start_has_the_time_of_a_handshake() -> None:
    server = InMemory(Answer, handshake_timeout=3)
    client = server.connect()
    server.advance(2.9)
    assert len(server.server.site.connections) == 1
    server.advance(0.2)
    with pytest.raises(Refused) as refused:
        client.received()
    assert refused.value.status == 503
    assert len(server.server.site.connections) == 0

"""A stream on an HTTP connection: how it begins, stalls and ends."""

from tests.support.news_streams import News, counted, open_stream, publish, stalled, subscribers
from tests.support.reactor_thread import call, until
from tests.support.serving import serving


def test_the_client_s_end_leaves_the_channels() -> None:
    with serving(News) as served:
        answer = open_stream(served)
        assert subscribers(served, "news") == 1
        answer.close()
        until(lambda: subscribers(served, "news") == 0 and not served.server.site.connections)


def test_a_client_of_http_1_0_gets_no_chunks() -> None:
    with serving(News) as served:
        client = served.client()
        client.send(b"GET /stream/news HTTP/1.0\r\n\r\n")
        until(lambda: subscribers(served, "news") == 1)
        publish(served, "news", "one")
        call(served.server.stop)
        while client._more():
            pass
        head, _, body = client._data.partition(b"\r\n\r\n")
        assert b"Transfer-Encoding" not in head
        assert body == b"hello\none\n"


def test_head_is_answered_without_a_stream() -> None:
    with serving(News) as served:
        answer = open_stream(served, method="HEAD")
        assert (answer.status, answer.read()) == (200, b"")
        until(lambda: subscribers(served, "news") == 0)


def test_a_client_that_takes_nothing_for_too_long_is_cut_off() -> None:
    with serving(News, send_timeout=0.2) as served:
        client = stalled(served)
        until(lambda: counted(served, "closed", "slow client") == 1)
        until(lambda: subscribers(served, "news") == 0)
        client.socket.close()

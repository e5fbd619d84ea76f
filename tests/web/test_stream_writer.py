"""A stream: what is published reaches a GET that goes on, within the limits of every subscriber."""

from typing import Any

import pytest
from twisted.internet.defer import Deferred

from filtered_websocket.web.base import HTTPRequest
from filtered_websocket.web.response import Stream
from tests.support.http_client import ask
from tests.support.news_streams import News, counted, open_stream, publish, stalled, subscribers
from tests.support.reactor_thread import call, until
from tests.support.serving import serving


def test_what_is_published_comes_in_order_and_the_server_s_stop_ends_it() -> None:
    with serving(News) as served:
        answer = open_stream(served, "/stream/news,sport")
        assert (answer.status, answer.getheader("transfer-encoding")) == (200, "chunked")
        assert answer.getheader("content-length") is None
        assert answer.getheader("cache-control") == "no-store"
        assert answer.getheader("access-control-allow-origin") == "*"
        assert answer.readline() == b"hello\n"
        publish(served, "news", "one", "two")
        publish(served, "sport", b"three")
        assert [answer.readline() for _ in range(3)] == [b"one\n", b"two\n", b"three\n"]
        assert call(lambda: served.server.site.responses[2]) == 1
        call(served.server.stop)
        assert answer.read() == b""  # the last chunk has come: else IncompleteRead


def test_what_cannot_be_subscribed_to_is_an_error_and_leaves_nothing() -> None:
    with serving(News, max_channels=2) as served:
        assert ask(served.address, "GET", "/stream/a,b,c").status == 400
        until(lambda: not served.server.pipelines[0].hub.channels)


def test_a_stream_that_waits_for_its_channels_ends_with_its_client() -> None:
    class Never(News):
        path = "/never"
        long_poll = ("GET",)

        @classmethod
        def handle(cls, pipeline: Any, request: HTTPRequest) -> Any:
            pipeline.storage_object.subscribe = lambda channel: Deferred()
            return Stream(pipeline, ["news"])

    with serving(Never) as served:
        client = served.client()
        client.send(b"GET /never HTTP/1.1\r\nHost: h\r\n\r\n")
        until(lambda: subscribers(served, "news") == 1)
        client.socket.close()
        until(lambda: subscribers(served, "news") == 0)


def test_a_client_that_reads_too_slowly_is_cut_off() -> None:
    with serving(News, send_buffer=100_000) as served:
        client = stalled(served)
        for _ in range(10):
            publish(served, "news", b"x" * 50_000)
        until(lambda: counted(served, "closed", "slow client") == 1)
        until(lambda: subscribers(served, "news") == 0 and not served.server.site.connections)
        client.socket.close()


@pytest.mark.parametrize("policy", ["drop-new", "drop-old", "latest"])
@pytest.mark.parametrize("version", ["1.1", "1.0"])
def test_what_a_slow_client_loses_is_its_channel_s_policy(policy: str, version: str) -> None:
    channels = f'{{"news": {{"slow": "{policy}"}}}}'
    with serving(News, send_buffer=100_000, channels=channels) as served:
        client = stalled(served, version=version)
        for number in range(40):
            publish(served, "news", f"{number} ".encode() + b"x" * 10_000)
        lost = counted(served, "dropped", f"slow client, {policy}")
        assert counted(served, "closed", "slow client") == 0
        (writer,) = call(lambda: list(served.server.pipelines[0].hub.subscribers("news")))
        kept = call(
            lambda: [each.blob.partition(b"\r\n")[2] if version == "1.1" else each.blob for each in writer._backlog]
        )
        numbers = [int(each.split()[0]) for each in kept if not each.startswith(b"x")]
        assert lost > 0
        if policy == "latest":
            assert (numbers, lost) == ([39], 39)
        else:
            assert sum(map(len, kept)) <= 100_000 + 60_000
            assert (0 if policy == "drop-new" else 39) in numbers
        # All that was kept comes, once the client reads.
        last = f"{numbers[-1]} ".encode()
        while last not in client._data[-11_000:]:
            assert client._more()
        client.socket.close()


def test_what_is_sent_to_one_client_alone_comes_in_order_with_what_is_published() -> None:
    writers: list[Any] = []
    ended: list[str] = []

    class Own(News):
        path = "/own"

        @classmethod
        def handle(cls, pipeline: Any, request: HTTPRequest) -> Any:
            return Stream(
                pipeline, ["news"], opened=writers.append, ended=lambda: ended.append("ended"), farewell=b"bye\n"
            )

    with serving(Own) as served:
        answers = [open_stream(served, "/own") for _ in range(2)]
        until(lambda: len(writers) == 2)
        call(writers[0].send, b"for one\n")
        publish(served, "news", "for all")
        assert answers[0].readline() == b"for one\n"
        assert [answer.readline() for answer in answers] == [b"for all\n"] * 2
        call(writers[0].complete, b"enough\n")
        assert answers[0].read() == b"enough\n"
        assert ended == ["ended"]
        call(writers[0].send, b"too late\n")
        call(writers[0].complete)
        call(served.server.stop)
        assert answers[1].read() == b"bye\n"
        assert ended == ["ended"] * 2


def test_the_end_of_a_stream_whose_client_has_gone_is_told_once() -> None:
    ended: list[str] = []

    class Own(News):
        path = "/own"

        @classmethod
        def handle(cls, pipeline: Any, request: HTTPRequest) -> Any:
            return Stream(pipeline, ["news"], ended=lambda: ended.append("ended"))

    with serving(Own) as served:
        client = served.client()
        client.send(b"GET /own HTTP/1.1\r\nHost: h\r\n\r\n")
        until(lambda: subscribers(served, "news") == 1)
        client.socket.close()
        until(lambda: ended == ["ended"])
        call(served.server.stop)
        assert ended == ["ended"]


def test_what_is_sent_to_a_client_that_does_not_read_is_bounded() -> None:
    writers: list[Any] = []

    class Own(News):
        path = "/stream/*"

        @classmethod
        def handle(cls, pipeline: Any, request: HTTPRequest) -> Any:
            return Stream(pipeline, ["news"], opened=writers.append)

    with serving(Own, send_buffer=100_000) as served:
        stalled(served)
        until(lambda: bool(writers))
        for _ in range(400):
            call(writers[0].send, b"x" * 50_000)
        until(lambda: subscribers(served, "news") == 0)
        assert counted(served, "closed", "slow client") == 1

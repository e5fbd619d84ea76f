"""What an HTTP connection reads: heads, bodies, and how much of them at one time."""

import threading
import time
import tracemalloc
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from filtered_websocket.transport.lingering import LINGER_BYTES
from filtered_websocket.transport.streams import READ_SIZE
from filtered_websocket.web.base import HTTPRequest
from filtered_websocket.web.receiving import MAX_WAITING
from tests.support.deadlines import joined
from tests.support.echo_requests import Answer, Echo, get, post, until_gone
from tests.support.endpoints import endpoint
from tests.support.http_client import ended, read_answer
from tests.support.raw_client import DEADLINE, head
from tests.support.reactor_thread import call, until
from tests.support.serving import serving


def test_a_body_may_come_in_pieces_and_so_may_the_head() -> None:
    with serving(Echo) as served, served.client() as client:
        whole = post(b"a body of five pieces")
        for part in (whole[:3], whole[3:20], whole[20:-10], whole[-10:-1], whole[-1:]):
            client.send(part)
            call(lambda: None)
        assert read_answer(client).body == b"POST  a body of five pieces"
        client.send_bytewise(get("bytewise"))
        assert read_answer(client).body == b"GET bytewise "


def test_a_chunked_body_is_taken_and_has_the_same_limit() -> None:
    head = b"POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
    with serving(Echo) as served:
        with served.client() as client:
            client.send(head + b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n" + get("next"))
            assert read_answer(client).body == b"POST  abcde"
            assert read_answer(client).body == b"GET next "
        with served.client() as client:
            client.send(head + b"3e8\r\n" + b"x" * 1000 + b"\r\n1\r\ny\r\n0\r\n\r\n")
            assert read_answer(client).status == 413
            assert ended(client)


def test_a_client_that_expects_100_is_told_to_go_on() -> None:
    with serving(Echo) as served, served.client() as client:
        head, body = post(b"abc", "Expect: 100-continue\r\n").split(b"\r\n\r\n")
        client.send(head + b"\r\n\r\n")
        assert client.response().status == 100
        client.send(body)
        assert read_answer(client).body == b"POST  abc"


def test_a_body_that_is_too_large_is_refused_before_it_has_come_and_the_answer_arrives() -> None:
    with serving(Echo) as served, served.client() as client:
        client.send(b"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 300000\r\nExpect: 100-continue\r\n\r\n")
        client.send(b"x" * 300_000)
        answer = read_answer(client)
        assert (answer.status, answer.headers["connection"]) == (413, "close")
        assert "1000" in answer.json["error"]
        assert ended(client)
        client.socket.close()
        until_gone(served)
        assert served.counted("refused", "http") == 1


def test_a_client_that_goes_on_sending_after_a_refusal_is_cut_off() -> None:
    with serving(Echo) as served, served.client() as client:
        client.send(b"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999\r\n\r\n")
        with pytest.raises(OSError):
            client.send(bytes(LINGER_BYTES + (16 << 20)))
        until_gone(served)


@pytest.mark.quiet
def test_a_request_that_trickles_is_408_however_often_a_byte_comes() -> None:
    with serving(Echo, http_request_timeout=0.3) as served, served.client() as client:
        client.send(post(b"x" * 500)[:-400])
        begin = time.monotonic()
        stop = threading.Event()

        def trickle() -> None:
            while not stop.wait(0.05):
                try:
                    client.send(b"x")
                except OSError:
                    return

        trickling = threading.Thread(target=trickle)
        trickling.start()
        try:
            assert read_answer(client).status == 408
        finally:
            stop.set()
            joined(trickling)
        assert 0.2 < time.monotonic() - begin < 5
        assert ended(client)
        client.socket.close()
        until_gone(served)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"POST /echo HTTP/9.9\r\n\r\n", 400),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        (b"POST /echo\r\n\r\n", 400),
        (b"POST /echo HTTP/1.1\r\nno colon\r\n\r\n", 400),
        (b"POST /echo HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST /echo HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (b"POST /echo HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (b"POST echo HTTP/1.1\r\n\r\n", 400),
        (b"POST /echo HTTP/1.1\r\n" + b"A: b\r\n" * 200 + b"\r\n", 431),
        (b"POST /echo HTTP/1.1\r\nA: " + b"b" * 20_000 + b"\r\n\r\n", 431),
        (b"POST /" + b"a" * 20_000, 431),
        (b"POST /echo HTTP/1.1\r\n" + b"Aaaaaa: bbbbbbbbbbbbbbbbbbbbbbb\r\n" * 3000, 431),
    ],
)
def test_what_is_no_request_is_refused_in_a_complete_answer(sent: bytes, status: int) -> None:
    with serving(Echo) as served, served.client() as client:
        client.send(sent)
        answer = read_answer(client)
        assert (answer.status, answer.headers["connection"]) == (status, "close")
        assert answer.body
        assert ended(client)
        client.socket.close()
        until_gone(served)


def test_the_target_may_be_absolute() -> None:
    with serving(Echo) as served, served.client() as client:
        client.send(b"GET http://proxy.example:80/echo?x HTTP/1.1\r\nHost: h\r\n\r\n")
        assert read_answer(client).body == b"GET x "


def test_what_was_sent_behind_a_request_is_read_only_as_answers_leave() -> None:
    waiting: list[Deferred[Any]] = []

    def later(pipeline: Any, request: HTTPRequest) -> Any:
        waiting.append(Deferred())
        return waiting[-1]

    with serving(Echo, endpoint("/later", later)) as served, served.client() as client:
        client.socket.settimeout(1)
        client.send(b"GET /later HTTP/1.1\r\nHost: h\r\n\r\n")
        until(lambda: bool(waiting))
        with pytest.raises(TimeoutError):
            client.send(get() * 1_000_000)
        channel = call(lambda: next(iter(served.server.site.connections)))
        # One read beyond the limit, at most.
        assert call(lambda: len(channel._data)) <= MAX_WAITING + READ_SIZE
        client.socket.settimeout(DEADLINE)
        call(waiting[0].callback, "first")
        assert read_answer(client).body == b"first"
        assert [read_answer(client).status for _ in range(100)] == [200] * 100


@pytest.mark.parametrize("size", [1, 2])
def test_a_body_costs_its_bytes_in_however_small_chunks_it_comes(size: int) -> None:
    class Large(Echo):
        path = "/echo"
        max_body = 1_000_000

    # Not more: a machine that is busy takes longer for these than a request may.
    total = 100_000
    with serving(Large) as served, served.client() as client:
        client.send(b"POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
        until(lambda: any(each._exchange for each in served.server.site.connections))
        tracemalloc.start()
        try:
            client.send((b"%x\r\n%b\r\n" % (size, b"x" * size)) * (total // size))
            until(lambda: len(next(iter(served.server.site.connections))._exchange.body.content) == total, deadline=60)
            held = call(lambda: tracemalloc.get_traced_memory()[0])
        finally:
            tracemalloc.stop()
        assert held < 2.4 * total
        client.send(b"0\r\n\r\n")
        assert read_answer(client).body == b"POST  " + b"x" * total


@pytest.mark.quiet
def test_bodies_in_tiny_chunks_leave_the_turn_to_others() -> None:
    class Large(Echo):
        path = "/echo"
        max_body = 10_000_000

    with serving(Large, Answer) as served, served.open() as bystander:
        flood = [served.client() for _ in range(5)]
        turns: list[float] = []
        for client in flood:
            client.send(b"POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
        until(lambda: len(served.server.site.connections) == len(flood))
        channels = call(lambda: list(served.server.site.connections))

        def all_at_once() -> None:
            # What the kernel could bring in one turn.
            for channel in channels:
                begin = time.perf_counter()
                channel.dataReceived(b"1\r\nx\r\n" * 50_000)
                turns.append(time.perf_counter() - begin)

        call(all_at_once)
        # Each had its share, 2 ms; the rest waits in one queue with all others that have had theirs.
        assert sorted(turns)[2] < 0.02, turns
        assert call(lambda: sum(len(channel._data) > 0 for channel in channels)) == len(flood)
        bystander.send("ping")
        assert bystander.text() == "ping"
        until(lambda: all(len(channel._exchange.body.content) == 50_000 for channel in channels))


@pytest.mark.parametrize(
    "headers",
    [
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding: identity\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding : chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n",
        "Content-Length: 3\r\nContent-Length: 3\r\n",
        "Content-Length: +3\r\n",
    ],
)
def test_a_body_whose_end_two_parsers_could_see_elsewhere_is_400(headers: str) -> None:
    with serving(Echo) as served, served.client() as client:
        client.send(f"POST /echo HTTP/1.1\r\nHost: h\r\n{headers}\r\n3\r\nabc\r\n0\r\n\r\n".encode() + get("smuggled"))
        answer = read_answer(client)
        assert (answer.status, answer.headers["connection"]) == (400, "close")
        assert ended(client)


def test_a_handshake_with_a_body_is_a_request_as_any_other() -> None:
    with serving(Echo, Answer) as served, served.client() as client:
        client.send(head("/chat", [("Content-Length", "3")]) + b"abc" + get("next"))
        assert read_answer(client).status == 426
        assert read_answer(client).body == b"GET next "


def test_an_empty_line_before_a_request_is_none_also_before_the_first_and_in_two_pieces() -> None:
    with serving(Echo) as served, served.client() as client:
        client.send(b"\r")
        call(lambda: None)
        client.send(b"\n\r\n" + get("1") + b"\r")
        assert read_answer(client).body == b"GET 1 "
        client.send(b"\n" + get("2"))
        assert read_answer(client).body == b"GET 2 "


def test_a_method_is_any_token_in_the_first_request_as_in_the_next() -> None:
    with serving(Echo) as served, served.client() as client:
        for _ in range(2):
            client.send(get("x").replace(b"GET", b"m-search"))
            assert read_answer(client).status == 405

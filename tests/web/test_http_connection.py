"""One HTTP connection, read by the server's own code over real sockets: good clients, slow ones and hostile ones."""

import gc
import threading
import time
import tracemalloc
from contextlib import suppress
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from filtered_websocket.filters.base import WebSocketDataFilter, WebSocketMessageFilter
from filtered_websocket.transport.lingering import LINGER_BYTES
from filtered_websocket.transport.streams import READ_SIZE
from filtered_websocket.web.base import Endpoint, HTTPError, HTTPRequest
from filtered_websocket.web.http_connection import HTTPConnection
from filtered_websocket.web.receiving import MAX_WAITING
from tests.support.certificates import write
from tests.support.http_client import ask_on, connection, ended, read_answer
from tests.support.raw_client import DEADLINE, RawClient, close_frame, frame, head
from tests.support.reactor_thread import call, until
from tests.support.serving import Served, serving


class Echo(Endpoint):
    path = "/echo"
    methods = ("GET", "POST")
    max_body = 1000

    @classmethod
    def handle(cls, pipeline: Any, request: HTTPRequest) -> Any:
        return f"{request.method} {request.query} ".encode() + request.body


def get(query: str = "", headers: str = "") -> bytes:
    return f"GET /echo?{query} HTTP/1.1\r\nHost: h\r\n{headers}\r\n".encode()


def post(body: bytes, headers: str = "") -> bytes:
    return f"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode() + body


def until_gone(served: Served) -> None:
    until(lambda: served.server.countConnections == 0 and not served.server.site.connections)


@pytest.mark.parametrize("tls", [False, True])
def test_a_connection_serves_many_requests_plain_and_over_tls(tls: bool, tmp_path: Any) -> None:
    options = {}
    if tls:
        files = write(tmp_path)
        options = {"key": files.key, "cert": files.cert}
    with serving(Echo, **options) as served:
        client = connection(served.address, tls)
        assert ask_on(client, "GET", "/echo?1").body == b"GET 1 "
        socket = client.sock
        for number in range(20):
            body = bytes([number]) * 50 * number
            assert ask_on(client, "POST", f"/echo?{number}", body).body == f"POST {number} ".encode() + body
        assert client.sock is socket
        assert call(lambda: (served.server.countConnections, len(served.server.site.connections))) == (0, 1)
        client.close()
        until_gone(served)


def test_pipelined_requests_are_answered_in_order_also_behind_one_that_waits() -> None:
    waiting: list[Deferred[Any]] = []

    class Later(Endpoint):
        path = "/later"

        @classmethod
        def handle(cls, pipeline: Any, request: HTTPRequest) -> Any:
            waiting.append(Deferred())
            return waiting[-1]

    with serving(Echo, Later) as served, served.client() as client:
        client.send(b"GET /later HTTP/1.1\r\nHost: h\r\n\r\n" + b"".join(get(str(n)) for n in range(3)) + post(b"4"))
        until(lambda: bool(waiting))
        call(waiting[0].callback, "first")
        bodies = [read_answer(client).body for _ in range(5)]
        assert bodies == [b"first", b"GET 0 ", b"GET 1 ", b"GET 2 ", b"POST  4"]


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
            trickling.join()
        assert 0.2 < time.monotonic() - begin < 5
        assert ended(client)
        client.socket.close()
        until_gone(served)


def test_a_connection_at_rest_is_closed_quietly() -> None:
    with serving(Echo, http_idle_timeout=0.2) as served, served.client() as client:
        client.send(get())
        assert read_answer(client).status == 200
        assert ended(client)
        until_gone(served)


def test_a_long_answer_is_not_cut_by_the_times_for_requests() -> None:
    class Later(Endpoint):
        path = "/later"

        @classmethod
        def handle(cls, pipeline: Any, request: HTTPRequest) -> Any:
            waiting: Deferred[Any] = Deferred()
            pipeline.server.reactor.callLater(0.5, waiting.callback, "at last")
            return waiting

    with serving(Later, http_request_timeout=0.1, http_idle_timeout=0.1) as served, served.client() as client:
        client.send(b"GET /later HTTP/1.1\r\nHost: h\r\n\r\n")
        assert read_answer(client).body == b"at last"


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


def test_http_1_0_and_connection_close_end_the_connection() -> None:
    with serving(Echo) as served:
        for sent in (b"GET /echo?x HTTP/1.0\r\n\r\n", get("x", "Connection: close\r\n")):
            with served.client() as client:
                client.send(sent)
                answer = read_answer(client)
                assert (answer.body, answer.headers["connection"]) == (b"GET x ", "close")
                assert ended(client)


def test_more_http_clients_than_allowed_get_503_and_websockets_still_connect() -> None:
    with serving(Echo, max_http_connections=2) as served:
        clients = [served.client() for _ in range(3)]
        for client in clients[:2]:
            client.send(get())
            assert read_answer(client).status == 200
        clients[2].send(get())
        assert read_answer(clients[2]).status == 503
        assert served.counted("refused", "max_http_connections") == 1
        with served.open():
            pass
        clients[0].socket.close()
        until(lambda: len(served.server.site.connections) == 1)
        with served.client() as client:
            client.send(get())
            assert read_answer(client).status == 200


class Answer(WebSocketMessageFilter):
    @classmethod
    def filter(cls, connected: Any, data: bytearray) -> None:
        connected.sendMessage(data)


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


@pytest.mark.quiet
def test_a_client_that_sends_thousands_of_requests_at_once_holds_nobody_up() -> None:
    with serving(Echo, Answer) as served, served.open() as bystander:
        flood = [served.client() for _ in range(4)]
        stop = threading.Event()

        def send(client: RawClient) -> None:
            client.socket.settimeout(0.1)
            while not stop.is_set():
                try:
                    client.socket.sendall(get("x" * 10) * 1000)
                except TimeoutError:
                    pass
                except OSError:
                    return

        def read(client: RawClient) -> None:
            while not stop.is_set():
                try:
                    client.socket.recv(1 << 16)
                except OSError:
                    pass

        threads = [threading.Thread(target=what, args=(each,)) for each in flood for what in (send, read)]
        for thread in threads:
            thread.start()
        try:
            until(lambda: served.server.site.responses[2] > 1000)
            waits = []
            for _ in range(50):
                begin = time.perf_counter()
                bystander.send("ping")
                assert bystander.receive() is not None
                waits.append(time.perf_counter() - begin)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        # The clients' threads share this process with the reactor, hence no 50 ms here.
        assert sorted(waits)[40] < 0.5, waits


def test_a_client_that_never_reads_stops_being_read() -> None:
    with serving(Echo) as served:
        client = served.client(receive_buffer=4096)
        client.socket.settimeout(1)
        with pytest.raises(TimeoutError):
            client.send(post(b"x" * 1000) * 100_000)
        channel = call(lambda: next(iter(served.server.site.connections)))
        assert call(lambda: channel.transport.pending) < 1_000_000
        client.socket.close()
        until_gone(served)


class Refuse(Endpoint):
    """Answers with an error, which is raised, as endpoints do."""

    path = "/refuse"

    @classmethod
    def handle(cls, pipeline: Any, request: HTTPRequest) -> Any:
        raise HTTPError(403, "no")


class RefuseLater(Endpoint):
    path = "/refuse/later"

    @classmethod
    async def handle(cls, pipeline: Any, request: HTTPRequest) -> Any:
        raise HTTPError(403, "no")


@pytest.mark.parametrize("path", ["/", "/nothing", "/refuse", "/refuse/later", "/metrics"])
def test_an_answer_that_is_an_error_keeps_nothing_of_its_request(path: str) -> None:
    # Without the garbage collector: what is kept until it runs is kept by every request of a flood.
    requests = 200
    with serving(Refuse, RefuseLater) as served, served.client() as client:
        sent = f"GET {path} HTTP/1.1\r\nHost: example.com\r\n\r\n".encode()
        client.send(sent)
        assert read_answer(client).status >= 400

        def left() -> int:
            return sum(isinstance(each, (HTTPRequest, HTTPError)) for each in gc.get_objects())

        call(gc.collect)
        call(gc.disable)
        try:
            before = call(left)
            client.send(sent * requests)
            for _ in range(requests):
                assert read_answer(client).status >= 400
            assert call(left) - before < 5
        finally:
            call(gc.enable)


def alive() -> set[int]:
    return {id(each) for each in gc.get_objects() if isinstance(each, HTTPConnection)}


def test_a_connection_that_has_ended_keeps_nothing_of_what_it_had_received() -> None:
    with serving(Echo) as served:
        call(gc.collect)
        call(gc.disable)
        try:
            before = call(alive)
            for sent in (get(), post(b"x" * 500)[:-1], post(b"x" * 500)[:20], get() * 100):
                with served.client() as client:
                    client.send(sent)
                    until(lambda: bool(served.server.site.connections))
                until_gone(served)
            assert call(alive) - before == set()
        finally:
            call(gc.enable)


def test_what_was_sent_behind_a_request_is_read_only_as_answers_leave() -> None:
    waiting: list[Deferred[Any]] = []

    class Later(Endpoint):
        path = "/later"

        @classmethod
        def handle(cls, pipeline: Any, request: HTTPRequest) -> Any:
            waiting.append(Deferred())
            return waiting[-1]

    with serving(Echo, Later) as served, served.client() as client:
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

    count = 300_000 // size
    with serving(Large) as served, served.client() as client:
        client.send(b"POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
        until(lambda: any(each._exchange for each in served.server.site.connections))
        tracemalloc.start()
        try:
            client.send((b"%x\r\n%b\r\n" % (size, b"x" * size)) * count)
            until(lambda: len(next(iter(served.server.site.connections))._exchange.body.content) == 300_000)
            held = call(lambda: tracemalloc.get_traced_memory()[0])
        finally:
            tracemalloc.stop()
        assert held < 700_000
        client.send(b"0\r\n\r\n")
        assert read_answer(client).body == b"POST  " + b"x" * 300_000


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


def test_an_empty_line_before_a_request_is_none() -> None:
    with serving(Echo) as served, served.client() as client:
        client.send(get("1") + b"\r\n" + get("2"))
        assert [read_answer(client).body for _ in range(2)] == [b"GET 1 ", b"GET 2 "]


@pytest.mark.parametrize("tls", [False, True])
def test_data_filters_see_every_byte_of_http_and_may_change_it(tls: bool, tmp_path: Any) -> None:
    seen: list[bytes] = []

    class Shout(WebSocketDataFilter):
        @classmethod
        def filter(cls, connected: Any, data: bytes) -> Any:
            seen.append(data)
            return data.replace(b"whisper", b"SHOUT!!")

    options = {}
    if tls:
        files = write(tmp_path)
        options = {"key": files.key, "cert": files.cert}
    with serving(Echo, Shout, **options) as served:
        with served.client() as client:
            client.send(get("whisper"))
            assert read_answer(client).body == b"GET SHOUT!! "
            client.send(post(b"")[:-10])
            call(lambda: None)
            client.send(post(b"")[-10:] + get("again whisper".replace(" ", "+")))
            assert read_answer(client).body == b"POST  "
            assert read_answer(client).body == b"GET again+SHOUT!! "
        until_gone(served)
        assert b"".join(seen) == get("whisper") + post(b"") + get("again+whisper")


def test_data_filters_that_wait_keep_the_order_of_http() -> None:
    class Wait(WebSocketDataFilter):
        @classmethod
        async def filter(cls, connected: Any, data: bytes) -> None:
            waited: Deferred[None] = Deferred()
            connected.factory.reactor.callLater(0.01, waited.callback, None)
            await waited

    with serving(Echo, Wait) as served, served.client() as client:
        for number in range(5):
            client.send(get(str(number)))
        assert [read_answer(client).body for _ in range(5)] == [f"GET {n} ".encode() for n in range(5)]
        client.socket.close()
        until_gone(served)


def test_a_data_filter_that_fails_ends_an_http_connection_too() -> None:
    class Fail(WebSocketDataFilter):
        @classmethod
        def filter(cls, connected: Any, data: bytes) -> None:
            if b"bad" in data:
                raise ValueError("bad")

    with serving(Echo, Fail) as served, served.client() as client:
        client.send(get("good"))
        assert read_answer(client).status == 200
        client.send(get("bad"))
        assert ended(client)
        until_gone(served)
        assert served.counted("failed", "filter") == 1


class Large(Endpoint):
    path = "/large"
    body = bytes(8_000_000)

    @classmethod
    def handle(cls, pipeline: Any, request: HTTPRequest) -> Any:
        return cls.body


def test_a_client_that_goes_on_reading_a_large_answer_is_not_idle_and_then_served_again() -> None:
    with serving(Large, Echo, http_idle_timeout=1) as served:
        client = served.client(receive_buffer=4096)
        client.send(b"GET /large HTTP/1.1\r\nHost: h\r\n\r\n")
        assert client.response().status == 200
        got = 0
        (channel,) = call(lambda: list(served.server.site.connections))
        while not call(lambda: channel.transport.taken):
            got += len(client.socket.recv(65536))
        # The time of a connection at rest is over.
        until(lambda: channel._taking._taken)
        while got < len(Large.body) - len(client._data):
            got += len(client.socket.recv(65536))
        client._data = b""
        client.send(get("after"))
        assert client.response().status == 200


def test_a_large_answer_is_held_once_however_many_clients_read_it_slowly() -> None:
    with serving(Large) as served:
        tracemalloc.start()
        try:
            for number in range(20):
                client = served.client(receive_buffer=4096)
                client.send(b"GET /large HTTP/1.1\r\nHost: h\r\n\r\n")
                assert client.response().status == 200
                assert call(lambda: len(served.server.site.connections)) == number + 1
            assert tracemalloc.get_traced_memory()[1] < 5_000_000
        finally:
            tracemalloc.stop()

"""One HTTP connection, read by the server's own code over real sockets: good clients, slow ones and hostile ones."""

import gc
import threading
import time
import tracemalloc
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from filtered_websocket.filters.base import WebSocketDataFilter
from filtered_websocket.web.base import Endpoint, HTTPError, HTTPRequest
from filtered_websocket.web.http_connection import HTTPConnection
from tests.support.certificates import write
from tests.support.deadlines import joined
from tests.support.echo_requests import Answer, Echo, Large, get, post, until_gone
from tests.support.endpoints import endpoint
from tests.support.http_client import ask_on, connection, ended, read_answer
from tests.support.raw_client import RawClient
from tests.support.reactor_thread import call, until
from tests.support.serving import serving


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

    def later(pipeline: Any, request: HTTPRequest) -> Any:
        waiting.append(Deferred())
        return waiting[-1]

    with serving(Echo, endpoint("/later", later)) as served, served.client() as client:
        client.send(b"GET /later HTTP/1.1\r\nHost: h\r\n\r\n" + b"".join(get(str(n)) for n in range(3)) + post(b"4"))
        until(lambda: bool(waiting))
        call(waiting[0].callback, "first")
        bodies = [read_answer(client).body for _ in range(5)]
        assert bodies == [b"first", b"GET 0 ", b"GET 1 ", b"GET 2 ", b"POST  4"]


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
                joined(thread)
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

"""The backend, asked in the real reactor: real servers that refuse, hang, lie, and come back."""

import threading
from collections import Counter

import pytest
from twisted.internet.defer import CancelledError, DeferredList

from filtered_websocket.chain.deferreds import start
from filtered_websocket.filters.http_callback import backend as module
from filtered_websocket.filters.http_callback import native_form as native
from filtered_websocket.filters.http_callback.backend import Backend, Unanswered
from filtered_websocket.filters.shared.signatures import sign
from filtered_websocket.monitoring.counters import Counters
from tests.filters.http_callback.asking import connection, options
from tests.support.http_backend import http_backend, scripted
from tests.support.ports import free_port
from tests.support.raw_client import DEADLINE
from tests.support.reactor_thread import call

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
AWAY = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 2\r\n\r\n{}"


@pytest.fixture
def make():
    made = []

    def make(url, **values):
        from twisted.internet import reactor

        counters = Counters(reactor)
        made.append((Backend(reactor, options(url=url, **values), counters, Counter()), counters))
        return made[-1][0]

    yield make
    for backend, counters in made:
        call(lambda backend=backend, counters=counters: (backend.close(), counters.stop()))


def begin(backend, count):
    """Questions that are begun in one turn; their Deferreds."""
    asked = native.question("message", connection(), b"hello", False, "")
    return call(lambda: [start(backend.ask(asked, [])) for _ in range(count)])


def ask(backend, event="message", headers=()):
    asked = native.question(event, connection(), b"hello", False, "")
    return call(lambda: start(backend.ask(asked, [*headers])))


def test_a_question_has_its_headers_its_id_and_a_signature(make):
    with http_backend() as server:
        backend = make(
            server.url + "/ws/{event}?a=b", secret="shared", static_headers=["Authorization: Basic x", "Accept: a/b"]
        )
        assert ask(backend, "handshake", [(b"Cookie", b"c=\xe4")]).status == 200
        asked = server.next()
    assert asked.path == "/ws/handshake?a=b"
    headers = asked.headers
    assert headers["x-http-callback-signature"] == sign("shared", asked.raw)
    assert headers["idempotency-key"] == asked.body["id"]
    assert (headers["content-type"], headers["accept"]) == ("application/json", "a/b")
    assert (headers["authorization"], headers["cookie"]) == ("Basic x", "c=\xe4")


def test_questions_share_connections_and_so_many_are_asked_at_a_time(make):
    with http_backend() as server:
        gate, busy, most = threading.Semaphore(0), [0], [0]
        counting = threading.Lock()

        def answer(_):
            with counting:
                busy[0] += 1
                most[0] = max(most[0], busy[0])
            gate.acquire(timeout=DEADLINE)
            with counting:
                busy[0] -= 1
            return 200, {}

        server.answer = answer
        backend = make(server.url, connections=3, waiting=7)
        begun = begin(backend, 10)
        with pytest.raises(Unanswered, match="too many wait"):
            ask(backend)
        assert call(lambda: backend.under_way) == 3
        for _ in range(3):
            server.next()
        gate.release(20)
        for each in begun:
            assert call(lambda each=each: each).status == 200
        assert (most[0], server.connections) == (3, 3)
        assert call(lambda: backend.under_way) == 0
        assert backend.figures["message", "asked"] == 11
        assert backend.figures["message", "failed"] == 1


def test_what_was_not_sent_is_sent_again_and_what_was_not_answered_only_where_that_is_safe(make):
    for event, again in (("handshake", True), ("message", False)):
        with scripted([None], [OK]) as (url, requests):
            if again:
                assert ask(make(url), event).status == 200
                first, second = requests.get(timeout=DEADLINE), requests.get(timeout=DEADLINE)
                assert first == second, "the same id"
            else:
                with pytest.raises(Unanswered, match="without an answer"):
                    ask(make(url), event)
                assert requests.qsize() == 1
    with scripted([AWAY, OK]) as (url, _):
        assert ask(make(url, retry=["message"]), "message").status == 200
    with scripted([AWAY]) as (url, requests), pytest.raises(Unanswered, match="status 503"):
        ask(make(url), "message")


def test_a_backend_that_begins_meanwhile_is_reached(make, monkeypatch):
    monkeypatch.setattr(module, "REST_SECONDS", 0.5)
    port = free_port()
    (asked,) = begin(make(f"http://127.0.0.1:{port}"), 1)
    with http_backend(port) as server:
        assert call(lambda: asked).status == 200
        assert server.asked.qsize() == 1


def test_a_backend_that_hangs_has_its_time_and_those_that_wait_for_a_turn_have_theirs(make):
    with http_backend() as server:
        gate = threading.Event()
        server.answer = lambda _: (gate.wait(DEADLINE), (200, {}))[1]
        backend = make(server.url, timeout=0.3, connections=1, failures=0)
        first, second = begin(backend, 2)
        with pytest.raises(Unanswered, match="no answer in time"):
            call(lambda: first)
        with pytest.raises(Unanswered, match="in time"):
            call(lambda: second)
        assert call(lambda: backend.under_way) == 0
        gate.set()
        assert ask(backend).status == 200


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ((200, b"no JSON"), "no JSON"), ((200, b"x" * 3000), "too large"), ((302, {}), "status 302"),
        ((404, {}), "status 404"), ((500, {"status": 200}), "status 500"), ((200, {"status": 7}), "its status"),
    ],
)  # fmt: skip
def test_what_is_no_answer_is_not_asked_for_again(make, answer, why):
    with http_backend() as server:
        server.answer = lambda _: answer
        with pytest.raises(Unanswered, match=why):
            ask(make(server.url, max_answer=2000), "handshake")
        assert server.asked.qsize() == 1


def test_a_question_that_is_given_up_frees_its_place_and_says_nothing_of_the_backend(make):
    with http_backend() as server:
        gate = threading.Event()
        server.answer = lambda _: (gate.wait(DEADLINE), (200, {}))[1]
        backend = make(server.url, connections=1, failures=1)
        asked, waits = begin(backend, 2)
        server.next()
        for each in (waits, asked):
            call(each.cancel)
            with pytest.raises(CancelledError):
                call(lambda each=each: each)
        assert call(lambda: (backend.under_way, backend.breaker.is_open)) == (0, False)
        gate.set()
        assert ask(backend).status == 200


def test_it_is_not_asked_while_it_is_away_and_those_that_wait_are_told_at_once(make):
    with http_backend() as server:
        gate = threading.Event()
        server.answer = lambda _: (gate.wait(DEADLINE), (500, {}))[1]
        backend = make(server.url, connections=1, failures=1, pause=60.0)
        begun = begin(backend, 500)
        gate.set()
        told = [str(failure.value) for _, failure in call(lambda: DeferredList(begun, consumeErrors=True))]
        assert "status 500" in told[0]
        assert set(told[1:]) == {"it is away, and not asked for a while"}
        assert server.asked.qsize() == 1
        with pytest.raises(Unanswered, match="not asked") as away:
            ask(backend)
        assert 0 < away.value.seconds <= 60
        server.answer = lambda _: (200, {"status": 403})
        call(lambda: setattr(backend.breaker, "_until", 0.0))
        assert ask(backend).status == 403
        assert not call(lambda: backend.breaker.is_open)
        assert backend.figures["message", "refused"] == 1

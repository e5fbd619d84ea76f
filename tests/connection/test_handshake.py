from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import CancelledError, Deferred

from filtered_websocket.errors import Close, Reject, StopChain
from filtered_websocket.filters.base import FilterMeta, WebSocketHandshakeFilter
from tests.support import certificates
from tests.support.raw_client import TEXT, Frame, frame, head
from tests.support.reactor_thread import call, until
from tests.support.serving import Events, a_turn, echo, logged, on_message, pairing, refused, serving


def on_handshake(function: Any) -> FilterMeta:
    return FilterMeta("OnHandshake", (WebSocketHandshakeFilter,), {"filter": staticmethod(function)})


def later(function: Any) -> Any:
    """The same filter, a turn later."""

    async def filter_later(connection: Any, request: Any) -> Any:
        await a_turn()
        return function(connection, request)

    return filter_later


@pytest.fixture(params=[lambda function: function, later], ids=["sync", "async"])
def either(request: Any) -> Any:
    return request.param


def raises(error: BaseException) -> Any:
    def raise_it(connection: Any, request: Any) -> None:
        raise error

    return raise_it


# Deciding.


def test_a_reject_is_an_http_response_with_its_status_reason_and_headers(either: Any) -> None:
    reject = raises(Reject(401, "who are you?", (("WWW-Authenticate", "Basic"),)))
    with serving(on_handshake(either(reject))) as served, served.client() as client:
        client.send(head())
        response = refused(client)
        assert response[:2] == (401, "who are you?")
        assert response.header("WWW-Authenticate") == ["Basic"]
        assert served.counted("refused", "a handshake filter") == 1
        served.until_empty()


@pytest.mark.parametrize("status", [400, 403, 404, 429, 503])
def test_any_status_may_refuse(status: int, either: Any) -> None:
    with serving(on_handshake(either(raises(Reject(status, "no"))))) as served, served.client() as client:
        client.send(head())
        assert refused(client).status == status


def test_what_goes_wrong_inside_is_500_without_detail(either: Any) -> None:
    secret = raises(RuntimeError("the secret of the house"))
    with serving(on_handshake(either(secret))) as served, served.client() as client:
        client.send(head())
        answer = client.body()
        assert answer.startswith(b"HTTP/1.1 500 Internal Server Error\r\n")
        assert b"secret" not in answer
        served.until_empty()


def test_close_before_the_101_is_403(either: Any) -> None:
    with serving(on_handshake(either(raises(Close(4001, "no"))))) as served, served.client() as client:
        client.send(head())
        assert refused(client).status == 403


@pytest.mark.parametrize("end", [lambda client: client.close(4001, "no"), lambda client: client.loseConnection()])
def test_a_client_that_a_handshake_filter_closes_is_not_let_in(either: Any, end: Any) -> None:
    events = Events()
    filters = (on_handshake(either(lambda connection, request: end(connection))), *pairing(events))
    with serving(*filters) as served, served.client() as client:
        client.send(head() + frame("hello"))
        assert refused(client).status == 403
        assert served.counted("refused", "closed by a filter") == 1
        served.until_empty()
        assert events.none_is_left()


@pytest.mark.parametrize("result", [False, True, "ann"])
def test_a_filter_that_returns_instead_of_refusing_is_named_and_lets_nobody_in(result: Any, either: Any) -> None:
    with logged() as lines, serving(on_handshake(either(lambda connection, request: result))) as served:
        with served.client() as client:
            client.send(head())
            assert refused(client)[:2] == (500, "Internal Server Error")
        assert served.counted("refused", "a handshake filter failed") == 1
        served.until_empty()
    said = "".join(lines)
    assert " (tests/connection/test_handshake.py, line " in said
    assert f"returned {type(result).__name__}, and None (raise Reject to refuse) is wanted" in said


def test_a_filter_may_return_the_request(either: Any) -> None:
    with serving(on_handshake(either(lambda connection, request: request)), on_message(echo)) as served:
        served.open().quit()


def test_stop_chain_accepts(either: Any) -> None:
    events = Events()
    stops = on_handshake(either(raises(StopChain())))
    never = on_handshake(lambda connection, request: events.tell("ran"))
    with serving(stops, never, on_message(echo)) as served:
        served.open().quit()
        assert events.none_is_left()


def test_accept_chooses_a_subprotocol_and_sets_headers_several_of_one_name_too(either: Any) -> None:
    def choose(connection: Any, request: Any) -> None:
        connection.accept("b", [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"), ("X-Node", "7")])

    with serving(on_handshake(either(choose))) as served, served.client() as client:
        client.send(head(headers=[("Sec-WebSocket-Protocol", "a, b")]))
        response = client.response()
        assert response.status == 101
        assert response.header("Sec-WebSocket-Protocol") == ["b"]
        assert response.header("Set-Cookie") == ["a=1", "b=2"]
        assert response.header("X-Node") == ["7"]


def test_a_subprotocol_that_was_not_offered_is_500_at_once(either: Any) -> None:
    wrong = on_handshake(either(lambda connection, request: connection.accept("c")))
    with serving(wrong) as served, served.client() as client:
        client.send(head(headers=[("Sec-WebSocket-Protocol", "a, b")]))
        assert refused(client).status == 500
        served.until_empty()


@pytest.mark.parametrize(("name", "value"), [("X\r\nY", "1"), ("X", "1\r\nSet-Cookie: a=1")])
def test_a_header_that_would_end_before_its_end_is_500(name: str, value: str) -> None:
    wrong = on_handshake(lambda connection, request: connection.accept(None, {name: value}))
    with serving(wrong) as served, served.client() as client:
        client.send(head())
        response = refused(client)
        assert response.status == 500
        assert response.header("Set-Cookie") == []


def test_a_reason_or_header_of_a_reject_never_ends_its_line() -> None:
    for reject, status in [
        (Reject(403, "no\r\nSet-Cookie: a=1", {"X-Why": "so"}), 403),
        (Reject(403, "no", {"X-Why": "so\r\nSet-Cookie: a=1"}), 500),
    ]:
        with serving(on_handshake(raises(reject))) as served, served.client() as client:
            client.send(head())
            response = refused(client)
            assert response.status == status
            assert response.header("Set-Cookie") == []


def test_the_request_stays_readable_while_the_connection_lives() -> None:
    def tell(connection: Any, data: bytearray) -> None:
        request = connection.request
        words = [request.path, *request.params["q"], request.origin, request.peer, *request.protocols]
        connection.sendMessage(" ".join([*words, request.headers["x-token"]]))

    headers = [("Origin", "http://localhost"), ("Sec-WebSocket-Protocol", "a, b"), ("X-Token", "t")]
    with serving(on_message(tell)) as served, served.open("/a%20b?q=1&q=2", headers) as client:
        client.send("go")
        assert client.text() == "/a b 1 2 http://localhost 127.0.0.1 a b t"


# While a filter decides.


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("going", ["reset", "closed"])
def test_a_client_that_has_gone_while_a_filter_decided_never_was_there(going: str, tls: bool, tmp_path: Path) -> None:
    files = certificates.write(tmp_path)
    options: dict[str, Any] = {"key": files.key, "cert": files.cert} if tls else {}
    events = Events()
    gate: Deferred[None] = Deferred()

    async def decide(connection: Any, request: Any) -> None:
        events.tell("decides")
        await gate

    with serving(on_handshake(decide), *pairing(events), **options) as served:
        client = served.client()
        client.send(head())
        assert events.next() == "decides"
        client.reset() if going == "reset" else client.socket.close()
        call(gate.callback, None)
        served.until_empty()
        # A client that closed is seen only after reading goes on: then it was open for that moment, and both are told.
        told = [events.next() for _ in range(2)] if not events.none_is_left() else []
        assert told in ([], ["open", told[-1] if told else None])
        assert call(lambda: served.server.accepted) == len(told) // 2


def test_the_filter_of_a_client_that_the_server_has_dropped_is_cancelled_and_it_is_not_accepted() -> None:
    events = Events()

    async def decide(connection: Any, request: Any) -> None:
        events.tell(connection)
        try:
            await Deferred()
        except CancelledError:
            events.tell("cancelled")

    with serving(on_handshake(decide), *pairing(events)) as served, served.client() as client:
        client.send(head())
        call(events.next().abortConnection)
        assert events.next() == "cancelled"
        client.ended()
        served.until_empty()
        assert events.none_is_left()


def test_a_second_head_while_a_filter_decides_is_data_not_a_second_handshake() -> None:
    events = Events()
    gate: Deferred[None] = Deferred()

    async def decide(connection: Any, request: Any) -> None:
        events.tell("decides")
        await gate

    with serving(on_handshake(decide), *pairing(events)) as served, served.client() as client:
        client.send(head(), head())
        assert events.next() == "decides"
        client.send(head())
        call(gate.callback, None)
        assert client.response().status == 101
        # To the open connection those bytes are a frame against the rules.
        assert client.closed()[0] == 1002
        assert [events.next(), events.next()[0]] == ["open", 1002]
        assert events.none_is_left()


def test_frames_that_came_while_a_filter_decided_are_served_in_order() -> None:
    gate: Deferred[None] = Deferred()
    events = Events()

    async def decide(connection: Any, request: Any) -> None:
        events.tell("decides")
        await gate

    with serving(on_handshake(decide), on_message(echo)) as served, served.client() as client:
        client.send(head(), frame("one")[:3])
        events.next()
        client.send(frame("one")[3:], frame("two"))
        call(gate.callback, None)
        assert client.response().status == 101
        assert [client.text(), client.text()] == ["one", "two"]


def test_a_handshake_filter_that_hangs_is_500_and_has_its_own_time() -> None:
    events = Events()

    async def hang(connection: Any, request: Any) -> None:
        try:
            await Deferred()
        except CancelledError:
            events.tell("cancelled")
            raise

    # The time of the handshake itself is shorter and does not count here.
    with serving(on_handshake(hang), filter_timeout=1.5, handshake_timeout=0.1) as served, served.client() as client:
        client.send(head())
        assert refused(client).status == 500
        assert events.next() == "cancelled"
        served.until_empty()


# Limits.


def test_an_unfinished_handshake_ends_when_its_time_is_over() -> None:
    with serving(handshake_timeout=0.1) as served, served.client() as client:
        client.send(head()[:20])
        client.ended()
        served.until_empty()
        assert served.counted("refused", "handshake_timeout") == 1


@pytest.mark.parametrize("finished", [False, True])
def test_a_head_that_is_too_large_is_431_while_it_grows(finished: bool) -> None:
    with serving(max_handshake_size=1000) as served, served.client() as client:
        client.send(head(headers=[("X-Long", "x" * 1500)])[: None if finished else -4])
        assert refused(client).status == 431
        assert served.counted("refused", "handshake too large") == 1
        served.until_empty()


def test_a_head_of_exactly_the_limit_is_taken() -> None:
    start = len(head(headers=[("X-Long", "")])) - 4
    with serving(max_handshake_size=1000) as served:
        served.open("/", [("X-Long", "x" * (1000 - start))]).quit()
        with served.client() as client:
            client.send(head(headers=[("X-Long", "x" * (1001 - start))]))
            assert refused(client).status == 431


def test_above_max_connections_is_503_and_a_place_is_free_at_once() -> None:
    with serving(on_message(echo), max_connections=2) as served:
        with served.open() as one, served.open():
            with served.client() as third:
                third.send(head())
                assert refused(third).status == 503
            assert served.counted("refused", "max_connections") == 1
            one.quit()
            served.open().quit()
        served.until_empty()
        with served.open() as one, served.open() as two:
            one.send("a")
            two.send("b")
            assert (one.text(), two.text()) == ("a", "b")


def test_an_origin_longer_than_any_is_refused_quickly() -> None:
    with serving(allowed_origins=["https://*.a*.example.com"]) as served, served.client() as client:
        client.send(head("/", [("Origin", "https://" + ".a" * 7000)]))
        assert refused(client).status == 403


# What is no handshake.


GARBAGE = {
    "no HTTP at all": b"\x16\x03\x01\x00\xff\x01\x00\r\n\r\n",
    "no version": b"GET /\r\n\r\n",
    "HTTP 1.0": head().replace(b"HTTP/1.1", b"HTTP/1.0"),
    "no host": head().replace(b"Host: localhost\r\n", b""),
    "two hosts": head(headers=[("Host", "other")]),
    "a port that is none": head(host="localhost:x"),
    "no connection header": head().replace(b"Connection: Upgrade\r\n", b""),
    "no key": head().replace(b"Sec-WebSocket-Key", b"X-Key"),
    "a short key": head().replace(b"dGhlIHNhbXBsZSBub25jZQ==", b"dGhl"),
    "no version header": head().replace(b"Sec-WebSocket-Version: 13", b"X: 13"),
    "a draft's version": head().replace(b"Sec-WebSocket-Version: 13", b"Sec-WebSocket-Version: 8"),
    "an unknown version": head().replace(b"Sec-WebSocket-Version: 13", b"Sec-WebSocket-Version: 99"),
    "a fragment": head("/#there"),
    "a target that cannot be parsed": head("http://[::1"),
    "one subprotocol twice": head(headers=[("Sec-WebSocket-Protocol", "a, a")]),
    "an origin that is none": head(headers=[("Origin", "\x80\xff")]),
}


@pytest.mark.parametrize("what", GARBAGE)
def test_a_wrong_handshake_is_answered_and_ended_and_raises_nothing(what: str) -> None:
    with serving(compression=True) as served, served.client() as client:
        client.send(GARBAGE[what])
        answer = client.body()
        assert answer.startswith((b"HTTP/1.1 4", b"HTTP/1.1 5")), answer
        assert b"Traceback" not in answer
        served.until_empty()


@pytest.mark.parametrize(
    "odd",
    [
        head().replace(b"localhost", b"\xff\xfe"),
        head(headers=[("Sec-WebSocket-Extensions", '=;;"')]),
        head(headers=[("Cookie", "a=\x80\xff")]),
        head("/%ff%00/../?%zz&=&a"),
        head()
        .replace(b"Upgrade: websocket", b"UPGRADE:WebSocket")
        .replace(b"Connection: ", b"connection:keep-alive, "),
    ],
)
def test_an_odd_but_correct_handshake_is_accepted(odd: bytes) -> None:
    with serving(on_message(echo), compression=True) as served, served.client() as client:
        client.send(odd, frame("hello"))
        assert client.response().status == 101
        assert client.text() == "hello"


UNTAKABLE = {
    "a window that zlib cannot compress for": "permessage-deflate; server_max_window_bits=8",
    "a window that is none": "permessage-deflate; server_max_window_bits=16",
    "a window with a leading zero": "permessage-deflate; client_max_window_bits=09",
    "a window of words": "permessage-deflate; client_max_window_bits=x",
    "a server window without a value": "permessage-deflate; server_max_window_bits",
    "a value where none may be": "permessage-deflate; client_no_context_takeover=1",
    "a parameter that is not known": "permessage-deflate; x_unknown",
    "a parameter twice": "permessage-deflate; client_max_window_bits; client_max_window_bits",
    "a malformed parameter": "permessage-deflate; server_max_window_bits=",
    "nothing at all behind a semicolon": "permessage-deflate;",
    "another extension": "permessage-bzip2; x=1",
    "an older one of the same purpose": "x-webkit-deflate-frame",
    "an empty list": "",
}


@pytest.mark.parametrize("compression", [True, False])
@pytest.mark.parametrize("what", UNTAKABLE)
def test_an_offer_that_cannot_be_taken_is_declined_and_the_handshake_goes_on(what: str, compression: bool) -> None:
    options = {"compression": True} if compression else {}
    with serving(on_message(echo), **options) as served, served.client() as client:
        client.send(head(headers=[("Sec-WebSocket-Extensions", UNTAKABLE[what])]), frame("hello"))
        response = client.response()
        assert (response.status, response.header("Sec-WebSocket-Extensions")) == (101, [])
        assert client.text() == "hello"


@pytest.mark.parametrize("what", UNTAKABLE)
def test_behind_an_offer_that_cannot_be_taken_the_next_is_tried(what: str) -> None:
    offers = f"{UNTAKABLE[what]}, permessage-deflate; server_max_window_bits=9, permessage-deflate"
    with serving(compression=True) as served, served.client() as client:
        client.send(head(headers=[("Sec-WebSocket-Extensions", offers)]))
        taken = ["permessage-deflate; server_max_window_bits=9"]
        assert client.response().header("Sec-WebSocket-Extensions") == taken


@pytest.mark.parametrize("cut", range(0, len(head()), 7))
def test_a_handshake_that_stops_anywhere_leaves_nothing(cut: int) -> None:
    with serving() as served:
        client = served.client()
        client.send(head()[:cut])
        client.reset()
        served.until_empty()


def test_a_handshake_byte_by_byte_is_a_handshake() -> None:
    with serving(on_message(echo)) as served, served.client() as client:
        client.send_bytewise(head() + frame("hello"))
        assert client.response().status == 101
        assert client.receive() == Frame(TEXT, b"hello")


def test_what_only_the_handshake_needed_is_dropped_when_it_is_done() -> None:
    with serving() as served, served.open():
        until(lambda: served.users)
        kept = call(lambda: set(vars(next(iter(served.users.values())))))
        assert not {name for name in kept if name.startswith(("http_", "websocket_"))}
        assert len(kept) < 15, kept

import pytest
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock

from filtered_websocket.web.base import HTTPError, Response
from filtered_websocket.web.idempotency import KEEP_SECONDS, MAX_KEYS, Idempotency


def test_a_repetition_gets_the_first_answer_for_five_minutes() -> None:
    clock = Clock()
    known = Idempotency(clock.seconds)
    assert known.find("k", b"body") is None
    known.remember("k", b"body", succeed(Response(200, {"n": 1})))
    clock.advance(KEEP_SECONDS - 1)
    again = known.find("k", b"body")
    assert again is not None
    assert (again.status, again.body, again.headers) == (200, b'{"n":1}', (("Idempotency-Replayed", "true"),))
    clock.advance(1)
    assert known.find("k", b"body") is None


def test_a_key_belongs_to_one_body() -> None:
    known = Idempotency(Clock().seconds)
    known.remember("k", b"body", succeed(Response(200)))
    with pytest.raises(HTTPError) as refused:
        known.find("k", b"other")
    assert refused.value.status == 409


def test_a_repetition_while_the_first_is_under_way_is_409() -> None:
    known = Idempotency(Clock().seconds)
    answer: Deferred[Response] = Deferred()
    known.remember("k", b"body", answer)
    with pytest.raises(HTTPError) as refused:
        known.find("k", b"body")
    assert refused.value.status == 409
    answer.callback(Response(200))
    assert known.find("k", b"body") is not None


def test_what_failed_may_be_repeated() -> None:
    known = Idempotency(Clock().seconds)
    answer: Deferred[Response] = Deferred()
    seen = known.remember("k", b"body", answer)
    answer.errback(HTTPError(503))
    seen.addErrback(lambda failure: failure.trap(HTTPError))
    assert known.find("k", b"body") is None


def test_keys_are_bounded_in_length_and_number() -> None:
    known = Idempotency(Clock().seconds)
    for key in ("", "k" * 256):
        with pytest.raises(HTTPError):
            known.find(key, b"")
    for number in range(MAX_KEYS + 1):
        known.remember(str(number), b"", succeed(Response(200)))
    assert known.find("0", b"") is None
    assert known.find("1", b"") is not None

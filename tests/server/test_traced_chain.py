"""What is shown of payloads, and of what filters return and raise."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred, fail, succeed

from filtered_websocket.errors import Close, Reject, StopChain
from filtered_websocket.messages.publication import Publication
from filtered_websocket.server.traced_chain import LONGEST, TracedStep, outcome_of, text_of


@given(st.binary(max_size=3000) | st.text(max_size=3000), st.booleans())
def test_whatever_is_shown_is_short(value: Any, binary: bool) -> None:
    assert len(text_of(value, binary)) <= LONGEST + 1 or "(hidden)" in text_of(value, binary)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (b"caf\xc3\xa9 \xff", "café \ufffd"),
        ('{"password":"x"}', '{"password":"(hidden)"}'),
        (7, "int"),
        ([b"a", "b"], "a b"),
        (Publication("room", ((b"hi", False),)), "a publication to room: hi"),
    ],
)
def test_what_is_shown_of_values(value: Any, shown: str) -> None:
    assert text_of(value) == shown


def test_binary_is_shown_as_numbers() -> None:
    assert text_of(b"\x00\xff", True) == "00 ff"
    assert text_of(b"\x0a\x09eyJhbGciOiJIUzI1NiJ9", True) == f"0a 09 {b'(hidden)'.hex(' ')}"


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (Close(4000, "bye"), "Close 4000 bye"),
        (Reject(401, "who?"), "Reject 401 who?"),
        (StopChain(), "StopChain"),
        (ValueError("a\x1b[2J\nb"), "ValueError: a\\x1b[2J\\nb"),
    ],
)
def test_what_is_shown_of_what_a_filter_raises(error: BaseException, shown: str) -> None:
    assert outcome_of(error) == shown


async def waits() -> str:
    return "b"


async def raises() -> None:
    raise ValueError("c")


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (lambda: "a", {"gives": "a", "awaited": False}),
        (lambda: None, {"gives": None, "awaited": False}),
        (lambda: succeed("d"), {"gives": "d", "awaited": True}),
        (lambda: fail(ValueError("e")), {"raises": "ValueError: e", "awaited": True}),
        (waits, {"gives": "b", "awaited": True}),
        (raises, {"raises": "ValueError: c", "awaited": True}),
    ],
)
def test_a_step_is_told_when_its_result_is_there_and_the_result_stays(answer: Any, told: dict[str, Any]) -> None:
    steps: list[dict[str, Any]] = []
    result = TracedStep(lambda instance, data: answer(), "filters.One", steps.append)("instance", "data")
    if hasattr(result, "__await__") and not isinstance(result, Deferred):
        result = Deferred.fromCoroutine(result)
    if isinstance(result, Deferred):
        ended: list[Any] = []
        result.addBoth(ended.append)
        assert ended
    (step,) = steps
    assert step.pop("seconds") >= 0
    assert step == {"filter": "filters.One"} | told

"""JSON as Engine.IO and Socket.IO have it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filtered_websocket.filters.engineio.packets import Malformed
from filtered_websocket.filters.engineio.strict_json import dumps, loads

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def nested() -> Any:
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    return value


@given(VALUES)
def test_a_value_is_read_as_it_was_written_in_ascii_without_blanks(value: Any) -> None:
    text = dumps(value)
    assert text.isascii()
    assert json.loads(text) == loads(text) == value


def test_it_is_short_and_holds_lone_surrogates() -> None:
    assert dumps({"a": [1, "\ud800"]}) == '{"a":[1,"\\ud800"]}'


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), {1, 2}, b"bytes", {b"k": 1}, nested()],
    ids=["nan", "inf", "set", "bytes", "key", "nested"],
)
def test_what_json_cannot_hold_is_not_written(value: Any) -> None:
    with pytest.raises(Malformed, match="not JSON"):
        dumps(value)


@pytest.mark.parametrize("text", ["", "{", "NaN", "[Infinity]", "-Infinity", "[" * 100_000, "1 2", "'a'"])
def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(Malformed, match="is JSON"):
        loads(text)

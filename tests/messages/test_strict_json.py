import json
from contextlib import suppress
from datetime import datetime
from uuid import uuid4

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from filtered_websocket.messages import strict_json
from filtered_websocket.messages.message import is_text
from filtered_websocket.messages.strict_json import dumps, loads, size


@pytest.mark.parametrize(
    "text", ["", "{", "NaN", "[-Infinity]", b"\xff", '"a"'.encode("utf-16"), '"a"'.encode("utf-8-sig"), "[" * 100_000]
)
def test_what_not_every_client_reads_is_no_json(text):
    with pytest.raises(ValueError, match=r"."):
        loads(text)


def test_numbers_that_json_cannot_hold_are_not_written():
    assert loads("1e999") == float("inf")
    with pytest.raises(ValueError, match=r"."):
        dumps(loads("1e999"))


def test_a_nesting_without_end_is_not_written():
    value = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises(ValueError, match="nested"):
        dumps(value)


@pytest.mark.parametrize("payload", ['{"a": "é"}', '{"a": "é"}'.encode(), bytearray('{"a": "é"}'.encode())])
def test_a_text_and_its_utf_8_hold_the_same_value(payload):
    assert loads(payload) == {"a": "é"}


def test_a_value_is_written_in_ascii_and_counted_in_utf_8():
    assert dumps({"a": "\ud800é"}) == '{"a":"\\ud800\\u00e9"}'
    assert size({"a": "é"}) == len('{"a":"é"}'.encode())


def test_what_refers_to_itself_is_not_written():
    value = []
    value.append(value)
    with pytest.raises(ValueError, match="nested"):
        dumps(value)


# The standard library is the reference, whatever is installed.

REFERENCE = json.JSONDecoder(parse_constant=strict_json.not_json)
JSON_TEXT = st.recursive(
    st.sampled_from(
        ["null", "true", "NaN", "-Infinity", "1e999", "-0", "-0.0", "1E400", "1e-400", '"\\ud800"', "\ud800"]
    )
    | st.integers().map(str)
    | st.integers(-(2**66), 2**66).map(str)
    | st.floats().map(repr)
    | st.from_regex(r"-?[0-9]{1,30}(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,3})?", fullmatch=True)
    | st.text().map(json.dumps)
    | st.text().map(lambda text: f'"{text}"'),
    lambda inner: (
        st.lists(inner, max_size=4).map(lambda each: f"[{', '.join(each)}]")
        | st.lists(st.tuples(st.sampled_from(["a", "b", "\\u0061", "\u00e9"]), inner), max_size=4).map(
            lambda each: "{" + ",".join(f'"{name}" :{value}' for name, value in each) + "}"
        )
    ),
    max_leaves=8,
)
CUT = st.tuples(JSON_TEXT, st.integers(0, 30), st.text(max_size=2)).map(
    lambda cut: cut[0][: cut[1]] + cut[2] + cut[0][cut[1] :]
)


def read(function, text):
    """What it holds, with the types of numbers and the order of names, or that it is no JSON."""
    try:
        return repr(function(text))
    except (ValueError, RecursionError):
        return "refused"


@pytest.mark.skipif(strict_json.orjson is None, reason="without orjson there is nothing to compare")
def test_small_texts_are_read_by_orjson():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(strict_json, "_loads", None)
        assert strict_json.loads("[1]") == [1]


@settings(max_examples=600, deadline=None)
@given(JSON_TEXT | CUT)
@example("[" * 199 + "]" * 199)
@example("[" * 950 + "]" * 950)
@example("[" * 1100 + "]" * 1100)
@example('{"a":' * 300 + "1" + "}" * 300)
@example("1" * 4300)
@example("1" * 4301)
@example("1" * 19)
@example("9223372036854775808")
@example("-9223372036854775809")
@example("18446744073709551616")
@example("123456789012345678901234567890.5")
@example("0.1000000000000000055511151231257827021181583404541015625")
@example("\ufeff[]")
@example("[]\0")
@example('"\x7f\x1f"')
@example('{"a":1,"b":2,"a":3}')
def test_texts_hold_the_values_that_the_standard_library_reads(text):
    expected = read(REFERENCE.decode, text)
    if text.count("[") + text.count("{") > 300 and expected != "refused":
        # How deep is too deep depends on how deep the caller is.
        assert read(loads, text) in (expected, "refused")
        return
    assert read(loads, text) == expected
    if text.isascii() or "\ud800" not in text:
        raw = text.encode("utf-8", "surrogatepass")
        assert read(loads, raw) == read(loads, bytearray(raw))
        assert read(loads, raw) == (expected if is_text(raw) else "refused")


SPACE = st.text(" \t\n\r\x0b\xa0\u2003", max_size=3)


@settings(max_examples=300, deadline=None)
@given(SPACE, JSON_TEXT | CUT, SPACE)
@example("", "1", " ")
@example(" ", "[]", "")
@example("\n", "NaN", "")
@example("", "[", " ")
def test_space_around_a_value_is_what_the_standard_library_takes_for_it(before, text, behind):
    """With orjson and without."""
    expected = read(REFERENCE.decode, before + text + behind)
    assert read(loads, before + text + behind) == expected
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(strict_json, "orjson", None)
        assert read(loads, before + text + behind) == expected


@pytest.mark.parametrize("space", ["", " "])
def test_what_is_nested_too_deeply_is_no_json_without_orjson_either(space, monkeypatch):
    monkeypatch.setattr(strict_json, "orjson", None)
    for text in (space + "[" * 100_000, "[" * 100_000 + "]" * 100_000 + space):
        with pytest.raises(ValueError, match="nested too deeply"):
            loads(text)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=20) | st.text(max_size=10).map(lambda text: f'"{text}"'.encode("utf-8", "surrogatepass")))
def test_bytes_that_are_no_utf_8_are_no_json(raw):
    expected = read(lambda raw: REFERENCE.decode(raw.decode()), raw)
    assert read(loads, raw) == expected


@settings(max_examples=300, deadline=None)
@given(JSON_TEXT)
def test_values_are_written_as_the_standard_library_writes_them(text):
    with suppress(ValueError):
        value = json.loads(text)
        try:
            expected = json.dumps(value, separators=(",", ":"), allow_nan=False)
        except ValueError:
            expected = "refused"
        assert read(dumps, value) == (expected if expected == "refused" else repr(expected))


@pytest.mark.parametrize("value", [object(), {(1,): 2}, b"", [{"a": {1}}], uuid4(), datetime(2026, 1, 1)])
def test_what_is_no_json_value_is_not_written_whatever_is_installed(value):
    with pytest.raises(TypeError):
        dumps(value)

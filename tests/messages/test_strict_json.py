import pytest

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

"""What is read of an answer, and what is none."""

import pytest

from filtered_websocket.filters.http_callback import reading
from filtered_websocket.filters.http_callback.events import Broken


@pytest.mark.parametrize(
    "body", [b"", b"ok", b"[]", b"null", b'"a"', b'{"a": NaN}', b'{"a"', b"\xff{}", b"[" * 100_000]
)
def test_what_is_no_json_object_is_no_answer(body):
    with pytest.raises(Broken):
        reading.object_of(body)


def test_a_member_that_is_null_is_not_there_and_one_of_another_kind_is_refused():
    assert reading.member({"a": None}, "a", int) is None
    assert reading.member({}, "a", int) is None
    assert reading.member({"a": 5}, "a", int) == 5
    for odd in ("5", 5.0, True, [5]):
        with pytest.raises(Broken, match="its a is"):
            reading.member({"a": odd}, "a", int)
    with pytest.raises(Broken, match="Unicode"):
        reading.text_of({"user": "\ud800"}, "user")


def test_a_reason_is_one_short_line():
    assert reading.reason_of({}, "reason", 403) == "Forbidden"
    assert reading.reason_of({"reason": ""}, "reason", 599) == "refused"
    assert reading.reason_of({"reason": "a\r\nX-Evil: b"}, "reason", 403) == "a\\r\\nX-Evil: b"
    assert len(reading.reason_of({"reason": "x" * 1000}, "reason", 403)) == reading.LONGEST_REASON


def test_channels_are_names_each_once_and_not_too_many():
    assert reading.channels_of(["a", "b", "a"], "channels") == ("a", "b")
    assert reading.channels_of({"a": {}, "b": None}, "subs") == ("a", "b")
    assert reading.channels_of(None, "channels") == ()
    for odd in ("news", [""], [5], ["\ud800"], 5, ["x" + str(each) for each in range(reading.MAX_CHANNELS + 1)]):
        with pytest.raises(Broken):
            reading.channels_of(odd, "channels")


def test_payloads():
    assert reading.json_payload("ä") == "ä".encode()
    assert reading.json_payload({"a": [1, None]}) == b'{"a":[1,null]}'
    assert reading.base64_payload("AAE=") == b"\0\1"
    for odd in ("AAE", "A A=", "ä"):
        with pytest.raises(Broken):
            reading.base64_payload(odd)

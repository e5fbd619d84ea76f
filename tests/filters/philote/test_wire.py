import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from filtered_websocket.filters.philote.wire import Message, Refused, decode, encode

TEXTS = st.text(st.characters())
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from(["channel", "Channel", "CHANNEL", "data", "Data", "issuer", "error", "event"])


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        ('{"channel": "a", "data": "x"}', ("a", "x")),
        ('{"Channel": "a", "DATA": "x"}', ("a", "x")),
        ('{"channel": "a", "data": "x", "event": "message", "issuer": "me", "n": [1e999]}', ("a", "x")),
        ('{"channel": "a"}', ("a", "")),
        ('{"channel": "a", "data": null}', ("a", "")),
        ('{"channel": null, "data": "x"}', ("", "x")),
        ("{}", ("", "")),
        ("null", ("", "")),
        # Go's encoding/json: the last of several wins, whichever way it is written; null changes nothing.
        ('{"channel": "a", "CHANNEL": "b"}', ("b", "")),
        ('{"CHANNEL": "b", "channel": "a"}', ("a", "")),
        ('{"channel": "a", "Channel": "b", "channel": "c"}', ("c", "")),
        ('{"channel": "a", "Channel": null}', ("a", "")),
        ('{"channel": "\\ud800"}', ("\ud800", "")),
    ],
)
def test_members_are_read_as_go_reads_them(payload, message):
    assert decode(payload.encode()) == message


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b"", 1007),
        (b"{", 1007),
        (b"\xff", 1007),
        (b'{"channel": NaN}', 1007),
        (b"[" * 100_000, 1007),
        (b'{"n": ' + b"9" * 5000 + b"}", 1007),
        (b"[]", 1003),
        (b"5", 1003),
        (b'"x"', 1003),
        (b"true", 1003),
        (b'[["channel", "a"]]', 1003),
        (b'{"channel": 5}', 1003),
        (b'{"data": {}}', 1003),
        (b'{"data": 1, "data": "x"}', 1003),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_no_message_is_refused_with_a_code(payload, code):
    with pytest.raises(Refused) as refused:
        decode(payload)
    assert refused.value.code == code


def outcome_of(payload):
    try:
        return decode(payload)
    except Refused as refused:
        return refused


@given(ANYTHING | st.dictionaries(NAMES, TEXTS | ANYTHING, max_size=4))
def test_any_json_value_is_a_message_or_refused(value):
    outcome = outcome_of(json.dumps(value).encode())
    if isinstance(outcome, Refused):
        assert outcome.code in (1003, 1007)
        assert len(outcome.reason) < 60
    else:
        assert value is None or isinstance(value, dict)
        assert isinstance(outcome.channel, str)
        assert isinstance(outcome.data, str)


@given(TEXTS, TEXTS)
@example("\ud800", '"\\\n\0')
def test_what_goes_out_is_json_with_three_members_whatever_the_texts(channel, data):
    sent = encode("me", Message(channel, data))
    assert sent.isascii()
    assert json.loads(sent) == {"issuer": "me", "channel": channel, "data": data}

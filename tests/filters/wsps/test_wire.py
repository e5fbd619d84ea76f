import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from filtered_websocket.filters.wsps import wire
from filtered_websocket.filters.wsps.wire import Refused, decode, encode, matches

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
LIKELY = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["subscribe", "publish", "message"]) | ANYTHING,
        "channel": st.sampled_from(["a", "b", "", "a/*", "\ud800"]) | ANYTHING,
        "key": ANYTHING,
        "data": ANYTHING,
        "more": ANYTHING,
    },
)
REASONS = {"Invalid message", "Invalid channel", "Invalid message type"}


def allows(channel):
    return matches(channel, ("a*", "\ud800"))


def read(packet):
    return decode(packet if isinstance(packet, bytes) else json.dumps(packet).encode(), allows)


def refusal(packet):
    with pytest.raises(Refused) as refused:
        read(packet)
    return refused.value.code, refused.value.reason


@pytest.mark.parametrize(
    ("packet", "reason"),
    [
        (b"", "Invalid message"),
        (b"{", "Invalid message"),
        (b"\xff", "Invalid message"),
        (json.dumps({"type": "subscribe", "channel": "a"}).encode("utf-16"), "Invalid message"),
        (b'{"type": "publish", "channel": "a", "data": NaN}', "Invalid message"),
        (b"[" * 100_000, "Invalid message"),
        (b'{"channel": "a", "type": ' + b"9" * 5000 + b"}", "Invalid message"),
        ([], "Invalid message"),
        (5, "Invalid message"),
        ("x", "Invalid message"),
        (None, "Invalid message"),
        ({}, "Invalid message"),
        ({"type": "nonsense"}, "Invalid message"),
        ({"channel": "b"}, "Invalid channel"),
        ({"channel": "b", "type": "nonsense"}, "Invalid channel"),
        ({"channel": None, "type": "subscribe"}, "Invalid channel"),
        ({"channel": ["a"], "type": "subscribe"}, "Invalid channel"),
        ({"channel": "a"}, "Invalid message"),
        ({"channel": "a", "type": "message"}, "Invalid message type"),
        ({"channel": "a", "type": None}, "Invalid message type"),
        ({"channel": "a", "type": ["publish"]}, "Invalid message type"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_wrong_is_told_by_the_first_check_that_fails(packet, reason):
    assert refusal(packet) == (1002, reason)


def test_a_key_is_handed_on_as_it_is_and_none_where_there_is_none():
    assert read({"type": "subscribe", "channel": "a"}).key is None
    assert read({"type": "subscribe", "channel": "a", "key": None}).key is None
    assert read({"type": "subscribe", "channel": "a", "key": [1]}).key == [1]


def test_a_message_is_the_packet_with_its_type_replaced_and_its_key_gone():
    packet = {"type": "publish", "channel": "a", "key": "secret", "data": {"key": "stays"}, "more": [1, 2.5, None]}
    message = json.loads(encode(read(packet)))
    assert message == {"type": "message", "channel": "a", "data": {"key": "stays"}, "more": [1, 2.5, None]}


def test_a_message_without_data_stays_without():
    assert json.loads(encode(read({"type": "publish", "channel": "a"}))) == {"type": "message", "channel": "a"}


def test_a_number_that_no_receiver_could_read_is_refused():
    packet = read(b'{"type": "publish", "channel": "a", "data": 1e999}')
    with pytest.raises(Refused) as refused:
        encode(packet)
    assert refused.value.reason == "Invalid message"


def outcome_of(packet):
    """The packet and the message it becomes, or the refusal."""
    try:
        found = read(packet)
        return found, encode(found) if found.type == wire.PUBLISH else ""
    except Refused as refused:
        return refused


@given(ANYTHING | LIKELY)
@example({"type": "publish", "channel": "\ud800", "data": "\udfff"})
def test_any_json_value_is_a_packet_or_refused_with_1002_and_a_known_reason(value):
    outcome = outcome_of(value)
    if isinstance(outcome, Refused):
        assert outcome.code == 1002
        assert outcome.reason in REASONS
    else:
        packet, message = outcome
        assert packet.members == value
        assert message.isascii()
        if message:
            wanted = {**value, "type": "message"}
            wanted.pop("key", None)
            assert json.loads(message) == wanted


@given(st.binary(max_size=60))
def test_any_bytes_are_a_packet_or_refused(payload):
    outcome = outcome_of(payload)
    assert outcome.reason in REASONS if isinstance(outcome, Refused) else outcome[0].channel.startswith("a")


@pytest.mark.parametrize(
    ("name", "pattern", "fits"),
    [
        ("user/1", "user/*", True),
        ("user/1/x", "user/*", True),
        ("User/1", "user/*", False),
        ("user/12", "user/?", False),
        ("", "*", True),
        ("a\nb", "a*", True),
        ("[x]", "[x]", True),
        ("x", "[x]", True),
    ],
)
def test_patterns_are_those_of_fnmatch_and_themselves(name, pattern, fits):
    assert matches(name, ("nothing", pattern)) is fits

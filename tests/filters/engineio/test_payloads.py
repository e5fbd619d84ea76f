import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filtered_websocket.filters.engineio import payloads
from filtered_websocket.filters.engineio.packets import Malformed

MESSAGES = st.lists(
    st.tuples(
        st.text(alphabet=st.characters(exclude_characters="\x1e", exclude_categories=["Cs"]), min_size=1), st.none()
    )
    | st.tuples(st.binary(), st.just(True))
)


@pytest.mark.parametrize("protocol", [4, 3])
@given(messages=MESSAGES.filter(len))
def test_a_payload_is_read_as_it_was_written(protocol: int, messages: list[Any]) -> None:
    sent = [(data, True) if binary else (f"4{data}".encode(), False) for data, binary in messages]
    for base64_only in (False, True):
        payload = payloads.encode_payload(sent, protocol, base64_only)
        assert isinstance(payload, bytes) == (protocol == 3 and not base64_only and any(binary for _, binary in sent))
        body = payload if isinstance(payload, bytes) else payload.encode()
        assert [*payloads.decode_payload(body, protocol)] == sent


def test_payloads_look_as_the_protocol_has_them() -> None:
    messages = [(b"4hello", False), ("4é😀".encode(), False), (b"\1\2", True)]
    assert payloads.encode_payload(messages, 4) == "4hello\x1e4é😀\x1ebAQI="
    assert payloads.encode_payload(messages, 3, base64_only=True) == "6:4hello4:4é😀6:b4AQI="
    frames = b"\0\6\xff4hello" + b"\0\7\xff4\xc3\xa9\xf0\x9f\x98\x80" + b"\1\3\xff\4\1\2"
    assert payloads.encode_payload(messages, 3) == frames
    assert payloads.encode_payload([(b"4" * 120, False), (b"", True)], 3)[:5] == b"\0\1\2\0\xff"
    assert payloads.encode_payload(messages[:2], 3) == "6:4hello4:4é😀"


@pytest.mark.parametrize(
    "body",
    [
        b"\0",
        b"\0\xff",
        b"\0\5",
        b"\0\2\xff4",
        b"\0\12\xff4123456789",
        b"\1\1\xff4",
        b"\1\0\xff",
        b"\0\1\xff\xff",
        b"\0\1\xff44",
        b"\0\1\xff4\2\1\xff4",
        b"\0" + b"\1" * 400 + b"\xff4",
    ],
)
def test_a_binary_payload_of_wrong_lengths_or_kinds_is_refused(body: bytes) -> None:
    with pytest.raises(Malformed):
        list(payloads.decode_payload(body, 3))


@pytest.mark.parametrize(
    "body",
    [b"", b"x", b":4x", b"5:4x", b"1:", b"-1:4", "1:😀".encode(), "²:4x".encode(), b"99999999999999999999:4", b"2:b5"],
)
def test_an_old_payload_of_wrong_lengths_is_refused(body: bytes) -> None:
    with pytest.raises(Malformed):
        list(payloads.decode_payload(body, 3))


@pytest.mark.parametrize("body", [b"\xff", b"bA", b"b!!!!", "bé".encode(), b"bAQ=I"])
def test_a_payload_that_is_no_text_or_no_base64_is_refused(body: bytes) -> None:
    with pytest.raises(Malformed):
        list(payloads.decode_payload(body, 4))


@pytest.mark.parametrize(
    ("protocol", "body"), [(4, b"3\x1e" * 20_000 + b"3"), (3, b"1:3" * 20_000), (3, b"\0\1\xff3" * 20_000)]
)
def test_a_payload_of_many_packets_takes_no_memory_for_each(protocol: int, body: bytes) -> None:
    tracemalloc.start()
    try:
        assert sum(1 for _ in payloads.decode_payload(body, protocol)) >= 20_000
        assert tracemalloc.get_traced_memory()[1] < 10 * len(body)
    finally:
        tracemalloc.stop()


def framed(text: str) -> bytes:
    return text.encode().replace(b"A", b"\xff")


@pytest.mark.parametrize("protocol", [4, 3])
@given(
    body=st.binary(max_size=60)
    | st.text(alphabet="\0\1\2\4b4A").map(framed)
    | st.text(alphabet="0123456789:b4\x1e😀").map(str.encode)
)
def test_any_body_is_a_payload_or_refused(protocol: int, body: bytes) -> None:
    try:
        messages = list(payloads.decode_payload(body, protocol))
    except Malformed:
        return
    assert messages


@pytest.mark.parametrize("texts", [["4a\x1e1"], ["4a\x1e1", "4b"]])
def test_a_text_of_one_client_cannot_be_packets_to_others(texts: list[str]) -> None:
    body = payloads.payload([(text.encode(), False) for text in texts], 4).body
    assert [data.decode() for data, _ in payloads.decode_payload(body, 4)] == [
        text.replace("\x1e", "\ufffd") for text in texts
    ]
    assert [*payloads.decode_payload(payloads.payload([(b"4a\x1e1", False)], 3).body, 3)] == [(b"4a\x1e1", False)]

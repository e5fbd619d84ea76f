import base64
import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filtered_websocket.filters.ws_emit import wire
from filtered_websocket.filters.ws_emit.wire import Malformed, Packet

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)
BINARY = st.recursive(
    st.none() | st.integers() | st.text() | st.binary(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=10,
)
MESSAGES = st.lists(
    st.tuples(
        st.text(alphabet=st.characters(exclude_characters="\x1e", exclude_categories=["Cs"]), min_size=1), st.none()
    )
    | st.tuples(st.binary(), st.just(True))
)


@pytest.mark.parametrize(
    ("text", "packet"),
    [
        ("0", Packet(0, "/", None, None, 0)),
        ('0{"token":"x"}', Packet(0, "/", None, {"token": "x"}, 0)),
        ("0/admin,", Packet(0, "/admin", None, None, 0)),
        ("0/admin", Packet(0, "/admin", None, None, 0)),
        ("0/admin?a=b,{}", Packet(0, "/admin", None, {}, 0)),
        ("1", Packet(1, "/", None, None, 0)),
        ('2["a",1]', Packet(2, "/", None, ["a", 1], 0)),
        ('212["a"]', Packet(2, "/", 12, ["a"], 0)),
        ('2/x,456["a"]', Packet(2, "/x", 456, ["a"], 0)),
        ('52-/x,7["a"]', Packet(5, "/x", 7, ["a"], 2)),
        ('50-["a"]', Packet(5, "/", None, ["a"], 0)),
        ("31[]", Packet(3, "/", 1, [], 0)),
    ],
)
def test_packets_are_read_as_clients_write_them(text: str, packet: Packet) -> None:
    assert wire.decode(text) == packet


@pytest.mark.parametrize(
    "text",
    [
        "",
        "7",
        "abc",
        "2",
        "2{}",
        '2"x"',
        "2[",
        '21-["a"]',
        '5["a"]',
        "2[NaN]",
        "2" + "[" * 100_000,
        '299999999999999999["a"]',
        f"0/{'n' * wire.MAX_ECHO}",
    ],
)
def test_what_is_no_packet_is_refused(text: str) -> None:
    with pytest.raises(Malformed):
        wire.decode(text)


@given(st.text())
def test_any_text_is_a_packet_or_refused(text: str) -> None:
    try:
        packet = wire.decode(text)
    except Malformed:
        return
    assert str(packet.type) == text[0]


@given(st.text(), st.lists(JSON))
def test_an_event_is_read_as_it_was_written(name: str, arguments: list[Any]) -> None:
    ((payload, binary),) = wire.event(name, arguments)
    assert not binary
    assert payload.isascii()
    assert wire.decode(payload.decode()[1:]).data == [name, *arguments]


@given(st.lists(BINARY))
def test_bytes_in_an_event_are_attachments_in_the_order_of_their_placeholders(arguments: list[Any]) -> None:
    (payload, _), *attachments = wire.event("e", arguments)
    packet = wire.decode(payload.decode()[1:])
    assert packet.attachments == len(attachments)
    assert all(binary for _, binary in attachments)
    assert wire.put_in(packet.data, [each for each, _ in attachments]) == ["e", *arguments]


def test_an_event_that_json_cannot_hold_is_refused() -> None:
    deep: Any = []
    for _ in range(5000):
        deep = [deep]
    for value in (float("nan"), object(), {(1, 2): 3}, deep, {"a": deep}):
        with pytest.raises(Malformed):
            wire.event("e", (value,))


@pytest.mark.parametrize("number", [1, -1, "0", True, None, 1.0])
def test_a_placeholder_of_no_attachment_is_refused(number: Any) -> None:
    with pytest.raises(Malformed):
        wire.put_in([{"_placeholder": True, "num": number}], [b"x"])


@pytest.mark.parametrize("protocol", [4, 3])
@given(messages=MESSAGES.filter(len))
def test_a_payload_is_read_as_it_was_written(protocol: int, messages: list[Any]) -> None:
    sent = [(data, True) if binary else (f"4{data}".encode(), False) for data, binary in messages]
    for base64_only in (False, True):
        payload = wire.encode_payload(sent, protocol, base64_only)
        assert isinstance(payload, bytes) == (protocol == 3 and not base64_only and any(binary for _, binary in sent))
        body = payload if isinstance(payload, bytes) else payload.encode()
        assert [*wire.decode_payload(body, protocol)] == sent


def test_payloads_look_as_the_protocol_has_them() -> None:
    messages = [(b"4hello", False), ("4é😀".encode(), False), (b"\1\2", True)]
    assert wire.encode_payload(messages, 4) == "4hello\x1e4é😀\x1ebAQI="
    assert wire.encode_payload(messages, 3, base64_only=True) == "6:4hello4:4é😀6:b4AQI="
    frames = b"\0\6\xff4hello" + b"\0\7\xff4\xc3\xa9\xf0\x9f\x98\x80" + b"\1\3\xff\4\1\2"
    assert wire.encode_payload(messages, 3) == frames
    assert wire.encode_payload([(b"4" * 120, False), (b"", True)], 3)[:5] == b"\0\1\2\0\xff"
    assert wire.encode_payload(messages[:2], 3) == "6:4hello4:4é😀"


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
        list(wire.decode_payload(body, 3))


@pytest.mark.parametrize("kind", ["bAQD/", "b4AQD/"])
@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\n\n", " "])
def test_base64_may_have_line_ends_as_javas_has(kind: str, end: str) -> None:
    protocol = 3 if kind.startswith("b4") else 4
    assert wire.decode_text(kind + end, protocol) == (b"\1\0\xff", True)
    data = bytes(range(256))
    folded = base64.encodebytes(data).decode().replace("\n", end or "\n")
    assert wire.from_base64(folded) == data


def test_the_digit_4_is_no_type_in_the_base64_of_engine_io_4() -> None:
    data = wire.from_base64("4AQI")
    assert wire.decode_text("b4AQI", 4) == (data, True)
    assert wire.decode_text("b44AQI", 3) == (data, True)


@pytest.mark.parametrize("text", ["+/8=", "-_8=", "-_8", "+/8", "+/\n8"])
def test_base64_may_be_of_either_alphabet_and_unpadded_as_node_takes_it(text: str) -> None:
    assert wire.from_base64(text) == b"\xfb\xff"


@pytest.mark.parametrize(
    "body",
    [b"", b"x", b":4x", b"5:4x", b"1:", b"-1:4", "1:😀".encode(), "²:4x".encode(), b"99999999999999999999:4", b"2:b5"],
)
def test_an_old_payload_of_wrong_lengths_is_refused(body: bytes) -> None:
    with pytest.raises(Malformed):
        list(wire.decode_payload(body, 3))


@pytest.mark.parametrize("body", [b"\xff", b"bA", b"b!!!!", "bé".encode(), b"bAQ=I"])
def test_a_payload_that_is_no_text_or_no_base64_is_refused(body: bytes) -> None:
    with pytest.raises(Malformed):
        list(wire.decode_payload(body, 4))


@pytest.mark.parametrize(
    ("protocol", "body"), [(4, b"3\x1e" * 20_000 + b"3"), (3, b"1:3" * 20_000), (3, b"\0\1\xff3" * 20_000)]
)
def test_a_payload_of_many_packets_takes_no_memory_for_each(protocol: int, body: bytes) -> None:
    tracemalloc.start()
    try:
        assert sum(1 for _ in wire.decode_payload(body, protocol)) >= 20_000
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
        messages = list(wire.decode_payload(body, protocol))
    except Malformed:
        return
    assert messages


def test_what_clients_are_told_is_what_the_protocol_says() -> None:
    assert wire.connected("abc", 4) == (b'40{"sid":"abc"}', False)
    assert wire.connected("abc", 3) == (b"40", False)
    assert wire.refused("/x", 4) == (b'44/x,{"message":"Unable to connect"}', False)
    assert wire.refused("/x", 3) == (b'44/x,"Unable to connect"', False)
    assert wire.acknowledged(12) == (b"4312[]", False)
    assert json.loads(wire.event("u", ([b"\0"],))[0][0][4:]) == ["u", [{"_placeholder": True, "num": 0}]]
    assert base64.b64encode(wire.event("u", (b"\0",))[1][0]) == b"AA=="

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filtered_websocket.filters.engineio.packets import MAX_ECHO, Malformed
from filtered_websocket.filters.socketio import packets
from filtered_websocket.filters.socketio.packets import Packet

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


@pytest.mark.parametrize(
    ("text", "packet"),
    [
        ("0", Packet(0, "/", None, None, 0)),
        ('0{"token":"x"}', Packet(0, "/", None, {"token": "x"}, 0)),
        ("0/admin,", Packet(0, "/admin", None, None, 0)),
        ("0/admin", Packet(0, "/admin", None, None, 0)),
        ("0/admin?a=b,{}", Packet(0, "/admin", None, {}, 0, "a=b")),
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
    assert packets.decode(text) == packet


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
        f"0/{'n' * MAX_ECHO}",
    ],
)
def test_what_is_no_packet_is_refused(text: str) -> None:
    with pytest.raises(Malformed):
        packets.decode(text)


@given(st.text())
def test_any_text_is_a_packet_or_refused(text: str) -> None:
    try:
        packet = packets.decode(text)
    except Malformed:
        return
    assert str(packet.type) == text[0]


@given(st.text(), st.lists(JSON))
def test_an_event_is_read_as_it_was_written(name: str, arguments: list[Any]) -> None:
    ((payload, binary),) = packets.event(name, arguments)
    assert not binary
    assert payload.isascii()
    assert packets.decode(payload.decode()[1:]).data == [name, *arguments]


@given(st.lists(BINARY))
def test_bytes_in_an_event_are_attachments_in_the_order_of_their_placeholders(arguments: list[Any]) -> None:
    (payload, _), *attachments = packets.event("e", arguments)
    packet = packets.decode(payload.decode()[1:])
    assert packet.attachments == len(attachments)
    assert all(binary for _, binary in attachments)
    assert packets.put_in(packet.data, [each for each, _ in attachments]) == ["e", *arguments]


def test_an_event_that_json_cannot_hold_is_refused() -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    for value in (float("nan"), object(), {(1, 2): 3}, deep, {"a": deep}):
        with pytest.raises(Malformed):
            packets.event("e", (value,))


@pytest.mark.parametrize("number", [1, -1, "0", True, None, 1.0])
def test_a_placeholder_of_no_attachment_is_refused(number: Any) -> None:
    with pytest.raises(Malformed):
        packets.put_in([{"_placeholder": True, "num": number}], [b"x"])


def test_what_clients_are_told_is_what_the_protocol_says() -> None:
    assert packets.connected("abc", 4) == (b'40{"sid":"abc"}', False)
    assert packets.connected("abc", 3) == (b"40", False)
    assert packets.refused("/x", 4) == (b'44/x,{"message":"Unable to connect"}', False)
    assert packets.refused("/x", 3) == (b'44/x,"Unable to connect"', False)
    assert packets.acknowledged(12) == (b"4312[]", False)
    assert json.loads(packets.event("u", ([b"\0"],))[0][0][4:]) == ["u", [{"_placeholder": True, "num": 0}]]
    assert base64.b64encode(packets.event("u", (b"\0",))[1][0]) == b"AA=="


@given(st.from_regex(r"[0-9]{0,17}(\[.{0,12})?", fullmatch=True) | st.lists(JSON).map(json.dumps))
def test_most_events_are_read_by_a_shorter_way_with_the_same_end(rest: str) -> None:
    """A namespace that is written is read by the longer one."""

    def read(text: str) -> Packet | str:
        try:
            return packets.decode(text)
        except Malformed as error:
            return str(error)

    assert read("2" + rest) == read("2/," + rest)

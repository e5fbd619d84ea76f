"""The kit's codec: against itself, and against the server's."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filtered_websocket.filters.socketio import packets
from filtered_websocket.filters.socketio.attachments import Assembly
from filtered_websocket.testing.socketio_packets import ACKNOWLEDGEMENT, CONNECT, DISCONNECT, EVENT, Packet, Reader

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text().filter(lambda key: key != "_placeholder"), inner),
    max_leaves=10,
)
NAMESPACES = st.sampled_from(["/", "/chat", "/a-b/c"])
NUMBERS = st.none() | st.integers(0, 10**9)


def taken(reader: Reader, frames: Any) -> Packet:
    *before, last = frames
    assert [reader.take(each) for each in before] == [None] * len(before)
    packet = reader.take(last)
    assert packet is not None
    return packet


@given(NAMESPACES, NUMBERS, st.lists(VALUES))
def test_what_the_kit_says_the_server_hears(namespace: str, number: int | None, arguments: list[Any]) -> None:
    text, *attachments = Packet(EVENT, namespace, number, ["e", *arguments]).frames()
    assert isinstance(text, str)
    assembly = Assembly()
    packet = assembly.text(text, 100)
    for each in attachments:
        assert packet is None
        assert isinstance(each, bytes)
        packet = assembly.attachment(each)
    assert packet is not None
    assert (packet.namespace, packet.id, packet.data) == (namespace, number, ["e", *arguments])


@given(st.sampled_from([EVENT, ACKNOWLEDGEMENT]), NAMESPACES, st.integers(0, 10**9), st.lists(VALUES))
def test_what_the_server_says_the_kit_hears(kind: int, namespace: str, number: int, arguments: list[Any]) -> None:
    messages = packets.encoded(kind, namespace, ["e", *arguments]).messages(number)
    frames = [data if binary else data.decode()[1:] for data, binary in messages]
    assert taken(Reader(), frames) == Packet(kind, namespace, number, ["e", *arguments])


@given(NAMESPACES, st.none() | st.dictionaries(st.text(), st.text()))
def test_packets_without_arguments(namespace: str, auth: Any) -> None:
    reader = Reader()
    assert taken(reader, Packet(CONNECT, namespace, None, auth).frames()) == Packet(CONNECT, namespace, None, auth)
    assert taken(reader, Packet(DISCONNECT, namespace).frames()) == Packet(DISCONNECT, namespace)


@pytest.mark.parametrize(
    "frames",
    [
        ["7"], [""], ["x"], ["2"], ["2{}"], ["2[]"], ["2[1]"], ["3[]"], ["5[]"], ["21-[]"], [b"x"],
        ['51-["e"]', "0"], ['51-["e"]', b"x", b"y"],
    ],
)  # fmt: skip
def test_what_no_server_sends_fails_the_test(frames: list[Any]) -> None:
    reader, (*before, last) = Reader(), frames
    for each in before:
        reader.take(each)
    with pytest.raises(AssertionError):
        reader.take(last)


def test_what_json_cannot_hold_is_not_sent() -> None:
    with pytest.raises(TypeError):
        Packet(EVENT, "/", None, ["e", object()]).frames()
    with pytest.raises(ValueError, match="not JSON compliant"):
        Packet(EVENT, "/", None, ["e", float("nan")]).frames()

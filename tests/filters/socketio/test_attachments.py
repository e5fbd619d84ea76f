"""Packets and their attachments, and what no client sends."""

import pytest

from filtered_websocket.filters.engineio.packets import Malformed
from filtered_websocket.filters.socketio.attachments import Assembly, TooManyAttachments


def test_a_packet_is_complete_with_its_last_attachment() -> None:
    assembly = Assembly()
    assert assembly.text('52-["a",{"_placeholder":true,"num":1},[{"_placeholder":true,"num":0}]]', 2) is None
    assert assembly.attachment(b"x") is None
    packet = assembly.attachment(b"yz")
    assert packet is not None
    assert packet.data == ["a", b"yz", [b"x"]]
    assert not assembly.is_due


def test_a_binary_packet_without_attachments_is_complete() -> None:
    packet = Assembly().text('50-["a",1]', 0)
    assert packet is not None
    assert packet.data == ["a", 1]


def test_what_does_not_belong_together_is_malformed() -> None:
    assembly = Assembly()
    with pytest.raises(Malformed, match="belongs to nothing"):
        assembly.attachment(b"x")
    assembly.text('51-["a",{"_placeholder":true,"num":0}]', 9)
    with pytest.raises(Malformed, match="attachment is due"):
        assembly.text('2["a"]', 9)


def test_more_attachments_than_are_allowed_are_refused_before_any_comes() -> None:
    with pytest.raises(TooManyAttachments, match="3 attachments; 2 are allowed"):
        Assembly().text('53-["a"]', 2)


@pytest.mark.parametrize(
    "text",
    [
        "2[]", "2[null]", "2[{}]", '2[{"toString":"x"}]', "2[true]", '2["connect"]', '2["disconnect"]',
        '2["connect_error"]', '2["disconnecting"]', '2["newListener"]', '2["removeListener"]', '2{"a":1}', '2"a"',
        "0[]", '0"token"', "0true", "1{}", "3[]", "31{}", '4"why"', "7", "9", "", "abc", '2abc["a"]', '5["a"]',
        '51["a"]', '5-1-["a"]', '51.5-["a"]', '5999999999999-["a"]', '2-1["a"]',
    ],
)  # fmt: skip
def test_what_no_client_sends(text: str) -> None:
    with pytest.raises(Malformed):
        Assembly().text(text, 10)


@pytest.mark.parametrize("number", ["2", "-1", "true", '"0"', "0.5", "null", '"splice"', "1e400", "[]"])
def test_a_placeholder_of_no_attachment(number: str) -> None:
    assembly = Assembly()
    with pytest.raises(Malformed):  # noqa: PT012 - what JSON cannot hold is refused earlier
        assembly.text(f'51-["a",{{"_placeholder":true,"num":{number}}}]', 10)
        assembly.attachment(b"x")


@pytest.mark.parametrize("depth", [200, 5_000, 100_000])
def test_a_deep_nesting_is_read_or_malformed_and_no_failure(depth: int) -> None:
    assembly = Assembly()
    try:
        assembly.text('51-["a",' + "[" * depth + "]" * depth + "]", 10)
        assembly.attachment(b"x")
    except Malformed:
        assert depth > 200

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filtered_websocket.filters.socketio.recovery import offsets
from filtered_websocket.messages.publication import Position


@given(st.text(), st.integers(0, 2**53))
def test_an_offset_says_the_epoch_and_the_place(epoch: str, number: int) -> None:
    text = offsets.encode(Position(epoch, number))
    assert offsets.decode(text) == (offsets.tag(epoch), number)
    assert len(offsets.tag(epoch)) == 4


def test_it_is_short() -> None:
    assert len(offsets.encode(Position("5f6c0d8a9b1e", 1_000_000))) == 8


@pytest.mark.parametrize("text", ["", "abcd", "abc1", "abcd01", "abcd-1", "abcdA", "abcd1 ", "a" * 17, "äbcd1"])
def test_what_is_none_is_none(text: str) -> None:
    assert offsets.decode(text) is None


@pytest.mark.parametrize(
    "messages",
    [
        ((b'42["e"]', False),),
        ((b'42/chat,["e",{"a":[1]}]', False),),
        ((b'451-["e",{"_placeholder":true,"num":0}]', False), (b"\0", True)),
        ((b'42["e","x\\",\\"y"]', False),),
    ],
)
def test_an_event_carries_it_behind_its_arguments(messages: tuple[tuple[bytes, bool], ...]) -> None:
    stamped = offsets.stamp(messages, "abcd1")
    assert stamped[0] == (messages[0][0][:-1] + b',"abcd1"]', False)
    assert stamped[1:] == messages[1:]
    assert offsets.unstamp(stamped) == messages

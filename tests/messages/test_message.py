"""Text stays text, binary stays binary."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred

from filtered_websocket.chain.deferreds import start
from filtered_websocket.messages.message import in_binary_message, message, messages, utf8_size


@pytest.fixture
def in_binary():
    token = in_binary_message.set(True)
    yield
    in_binary_message.reset(token)


@given(st.text())
def test_str_is_text_and_its_utf_8_when_binary_is_asked_for(text):
    assert message(text) == (text.encode(), False)
    assert message(text, True) == (text.encode(), True)


@given(st.binary())
def test_bytes_outside_a_message_chain_are_text_where_they_can_be(data):
    try:
        data.decode()
    except UnicodeDecodeError:
        assert message(data) == (data, True)
    else:
        assert message(data) == (data, False)
    assert message(data, True) == (data, True)


def test_str_in_a_binary_message_chain_is_text_and_bytes_are_binary(in_binary):
    assert message("x") == (b"x", False)
    assert message(b"x") == (b"x", True)
    assert message(b"x", False) == (b"x", False)


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_what_is_sent_is_a_copy_that_nobody_changes(kind):
    raw = bytearray(b"before")
    payload, _ = message(kind(raw))
    raw[:] = b"after!"
    assert payload == b"before"
    assert type(payload) is bytes


@pytest.mark.parametrize("wrong", [None, 1, {"a": 1}, object()])
def test_what_is_no_message_is_refused_with_what_to_do(wrong):
    with pytest.raises(TypeError, match=r"a message is str or bytes, not \w+: encode it first"):
        message(wrong)


def test_several_messages_are_a_list_or_a_tuple():
    assert messages(["a", b"\xff"]) == ((b"a", False), (b"\xff", True))
    assert messages(("a",), True) == ((b"a", True),)
    assert messages("ab") == ((b"ab", False),)
    assert messages([]) == ()


def test_a_lone_surrogate_is_no_text():
    with pytest.raises(UnicodeEncodeError):
        message("\ud800")


@pytest.mark.parametrize(("text", "size"), [("", 0), ("ab", 2), ("é", 2), ("\N{PILE OF POO}", 4), ("\ud800x", 4)])
def test_the_size_of_a_text_is_that_of_its_bytes(text, size):
    assert utf8_size(text) == size


def test_the_kind_survives_an_await_and_is_nobody_elses():
    gate, seen = Deferred(), []

    async def replies():
        await gate
        seen.append(message(b"x"))

    token = in_binary_message.set(True)
    start(replies())
    in_binary_message.reset(token)
    assert message(b"x") == (b"x", False)
    gate.callback(None)
    assert seen == [(b"x", True)]
    assert message(b"x") == (b"x", False)

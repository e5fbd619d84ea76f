"""Messages as lines, and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filtered_websocket.errors import Close
from filtered_websocket.filters.exec_pipe.lines import line_of, message_of

TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@given(TEXT)
def test_any_text_is_one_line_of_json_and_comes_back(text):
    line = line_of(text, False, True)
    assert b"\n" not in line
    assert b"\0" not in line
    assert message_of(line, True) == text
    assert line == line_of(text.encode(), False, True)


@given(TEXT)
def test_a_text_that_is_one_line_is_that_line_and_others_are_refused(text):
    if "\n" in text or "\0" in text:
        with pytest.raises(Close) as refused:
            line_of(bytearray(text.encode()), False, False)
        assert refused.value.code == 1003
    else:
        assert line_of(text, False, False) == text.encode()
        assert message_of(text.encode() + b"\r", False) == text


def test_what_is_binary_is_refused():
    for as_json in (True, False):
        with pytest.raises(Close):
            line_of(b"x", True, as_json)


@pytest.mark.parametrize(("line", "message"), [(b'"a\\nb"', "a\nb"), (b'{"a": 1}', '{"a": 1}'), (b'"open', '"open')])
def test_an_answer_that_is_a_json_string_is_read_as_one(line, message):
    assert message_of(line, True) == message
    assert message_of(line, False) == line.decode()


def test_what_is_no_utf_8_is_no_message():
    with pytest.raises(UnicodeDecodeError):
        message_of(b"\xff", False)

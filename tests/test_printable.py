import pytest

from filtered_websocket.errors import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("grüße \U0001f600", "grüße \U0001f600"),
        ("back\\slash", "back\\slash"),
        ("line\nend\r", "line\\nend\\r"),
        ("\x1b[2J\x9b\0", "\\x1b[2J\\x9b\\x00"),
        ("\u202eright to left", "\\u202eright to left"),
        ("\udcff", "\\udcff"),
    ],
)
def test_what_steers_a_terminal_is_escaped_and_the_rest_is_left(text, shown):
    assert printable(text) == shown


def test_line_ends_and_tabs_may_stay():
    assert printable("a\tb\nc\x1b", newlines=True) == "a\tb\nc\\x1b"

import pytest

from filtered_websocket.filters.centrifugo.globs import Glob


@pytest.mark.parametrize(
    ("pattern", "channel", "fits"),
    [
        ("", "a", True), ("*", "a:b", True), ("a*", "b", False), ("a?c", "abc", True), ("[ab]x", "bx", True),
        ("[!a]x", "ax", False), ("{a,b}:*", "b:1", True), ("{a,b}:*", "c:1", False), ("{a,{b,c}}", "c", True),
        ("a", "ab", False), ("{}", "", True), ("{", "{", True),
    ],
)  # fmt: skip
def test_what_a_pattern_stands_for(pattern, channel, fits):
    assert Glob(pattern).fits(channel) == fits


def test_braces_do_not_grow_without_end():
    with pytest.raises(ValueError, match="64"):
        Glob("{a,b}" * 7)
    assert Glob("{a,b}" * 5).fits("ababa")

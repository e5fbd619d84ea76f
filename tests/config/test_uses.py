"""How the use of a filter module is written, and what is no use of one."""

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filtered_websocket.config.option import Option, Options
from filtered_websocket.config.parsers import UnshownError, text
from filtered_websocket.config.uses import SHOWN, Use, uses


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("a b", [Use("a"), Use("b")]),
        (["a", "b?x=1"], [Use("a"), Use("b", (("x", "1"),))]),
        (["a?x=1&y=b%20c%26d+e"], [Use("a", (("x", "1"), ("y", "b c&d+e")))]),
        (["a?x==&y="], [Use("a", (("x", "="), ("y", "")))]),
        (["a?program=jq -c ."], [Use("a", (("program", "jq -c ."),))]),
        ([{"filter": "a"}, {"filter": "a", "x": [1], "y": None}], [Use("a"), Use("a", (("x", [1]), ("y", None)))]),
        ([Use("a")], [Use("a")]),
        ([], []),
    ],
)
def test_what_is_a_use(value, found):
    assert uses(value) == found


@pytest.mark.parametrize(
    "value",
    [5, None, {"filter": "a"}, [5], [["a"]], [{}], [{"filter": 5}], [{"filter": "a b"}], [{"filter": ""}],
     [{"filter": "a?x=1"}], ["a?x"], ["a?=1"], ["a?x=1&&y=1"], ["a?x=1&x=2"], ["a\0"]],
)  # fmt: skip
def test_what_is_none(value):
    with pytest.raises(ValueError):
        uses(value)


@pytest.mark.parametrize("value", ["a?s3cret", "a?key=s3cret&key=s3cret", "a?=s3cret"])
def test_a_fault_does_not_show_what_may_be_a_secret(value):
    with pytest.raises(UnshownError) as fault:
        uses(value)
    assert "s3cret" not in str(fault.value)


@given(st.lists(st.tuples(st.text(min_size=1), st.text()), unique_by=lambda pair: pair[0]))
def test_whatever_is_quoted_is_read(pairs):
    pairs = [pair for pair in pairs if "\0" not in "".join(pair)]
    query = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in pairs)
    assert uses([f"module?{query}" if query else "module"]) == [Use("module", tuple(pairs))]


def test_its_name_shows_its_options_but_no_secret_and_no_long_text():
    options = Options([(Option(name, text, "", "", secret=name == "key"), "", "") for name in ("key", "long", "odd")])
    use = Use("a", (("key", "s3cret"), ("long", "x" * 500), ("odd", [1])), options)
    assert str(use) == f"a?key=***&long={'x' * (SHOWN - 1)}…&odd=[1]"
    assert str(Use("a")) == "a"

"""Texts are rewritten by rules, in linear time."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filtered_websocket.filters.rewrite import MOST, REWRITE, read
from filtered_websocket.testing.server import Server
from tests.support.small_filters import Echo

FILTER = "filtered_websocket.filters.rewrite"


@pytest.mark.parametrize(
    ("rules", "before", "after"),
    [
        (["s/a/b/"], "banana", "bbnana"),
        (["s/a/b/g", "s/b/c/"], "banana", "cbnbnb"),
        (["s#http://(\\w+)#<\\1>#gi"], "HTTP://x http://y", "<x> <y>"),
        ([r"s/a\/b/\//"], "a/b", "/"),
        (["s/é+/e/g"], "ééa", "ea"),
        (["s/a b/c d/"], "a b", "c d"),
        (["s/x/y/"], "abc", "abc"),
        (["s/a//g"], "aa", ""),
        (["s/a/é😀/"], "a", "é😀"),
        ([r"s/(a)(x)?/[\0\2]/"], "a", "[a]"),
        ([r"s/a/\n\t\\\//"], "a", "\n\t\\/"),
        ([r"s#a#\#\x#"], "a", "#x"),
        ([], "a", "a"),
    ],
)
def test_rules_are_applied_one_after_the_other(rules, before, after):
    with Server(FILTER, Echo, rewrite=rules) as server:
        client = server.connect()
        client.send(before)
        assert client.received() == [after]
        client.send(b"\xff" + before.encode())
        assert client.received() == [b"\xff" + before.encode()]


def test_each_use_has_rules_of_its_own():
    with Server(f"{FILTER}?rewrite=s/a b/c/", {"filter": FILTER, "rewrite": ["s/c/d/"]}, Echo) as server:
        client = server.connect()
        client.send("a b")
        assert client.received() == ["d"]


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ("a", "rules such as"), ("s/a/b", "rules such as"), ("s/a/b/x", "rules such as"), ("s/(/b/", "missing"),
        ("s/(?=a)/b/", "invalid perl operator"), (r"s/(a)/\2/", "a pattern with 2 groups is wanted"),
        (5, "rules such as"), (r"s/a/\/", "rules such as"), (r"s\a\b\g", "rules such as"),
    ],
)  # fmt: skip
def test_what_is_no_rule_is_refused_in_words(rule, says):
    with pytest.raises(ValueError, match=says):
        REWRITE.parse([rule] if isinstance(rule, str) else rule)


@given(st.text(alphabet="s/a\\\\1(gi)#", max_size=12))
def test_any_text_is_a_rule_or_a_fault(text):
    try:
        rule = read(text)
    except ValueError:
        return
    rule.pattern.subn(rule.replacement, "banana#/", rule.most)


def test_bombs_are_refused_and_cost_little():
    with Server(
        FILTER, Echo, rewrite=["s/(a+)+$/x/g", "s/b/" + "c" * 200 + "/g"], max_message_size=1_000_000
    ) as server:
        begin = time.process_time()
        for bomb, code in (("b" * (MOST + 1), 1008), ("b" * 9_000, 1009), ("a" * 900_000 + "d", None)):
            client = server.connect()
            client.send(bomb)
            assert client.close_code == code
        assert time.process_time() - begin < 10

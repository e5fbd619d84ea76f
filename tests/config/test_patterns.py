import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filtered_websocket.config.patterns import match, prefixes, rank


@pytest.mark.parametrize(
    ("pattern", "path", "found"),
    [
        ("/health", "/health", ()),
        ("/health", "/health/", None),
        ("*", "/anything", ("/anything",)),
        ("/apps/*", "/apps/", ("",)),
        ("/apps/*", "/apps", None),
        ("/apps/*/events", "/apps/1/events", ("1",)),
        ("/apps/*/events", "/apps/events", None),
        ("/apps/*/channels/*/users", "/apps/1/channels/a/b/users", ("1", "a/b")),
        ("/a*a", "/a", None),
        ("/a*a", "/aa", ("",)),
        ("/*/*/", "/a//", ("a", "")),
    ],
)
def test_a_star_stands_for_any_characters(pattern: str, path: str, found: object) -> None:
    assert match(pattern, path) == found


def test_the_most_specific_pattern_ranks_first() -> None:
    patterns = ["*", "/apps/*", "/apps/*/channels/*", "/apps/*/channels/*/users", "/apps/*/channels", "/apps/me"]
    assert sorted(patterns, key=rank, reverse=True) == [
        "/apps/me",
        "/apps/*/channels/*/users",
        "/apps/*/channels/*",
        "/apps/*/channels",
        "/apps/*",
        "*",
    ]


@pytest.mark.quiet
def test_a_path_made_to_be_slow_is_not() -> None:
    path = "/apps/" + "/channels/" * 100_000
    begin = time.perf_counter()
    assert match("/apps/*/channels/*/channels/*/users", path) is None
    assert time.perf_counter() - begin < 0.5


@pytest.mark.parametrize(
    ("pattern", "fits", "does_not"),
    [
        ("*", ["/", "/a/b", ""], []),
        ("/chat", ["/chat"], ["/chat/", "/chat/a", "/cha", "/"]),
        ("/chat/*", ["/chat/", "/chat/a", "/chat/a/b"], ["/chat", "/chats/a"]),
        ("/*/x", ["/a/x", "/a/b/x", "//x"], ["/x", "/a/y"]),
        ("/a*b*c", ["/abc", "/aXbYc", "/a/b/b/c"], ["/ac", "/abcd", "/acb"]),
        ("/a*a", ["/aa", "/aba"], ["/a"]),
        ("/[a]?", ["/[a]?"], ["/ab", "/a?"]),
        ("*.json", ["/x.json", ".json"], ["/x.json/"]),
        ("/**", ["/", "/a"], [""]),
    ],
)
def test_a_star_stands_for_any_characters_and_slashes_among_them(
    pattern: str, fits: list[str], does_not: list[str]
) -> None:
    assert [path for path in fits if match(pattern, path) is None] == []
    assert [path for path in does_not if match(pattern, path) is not None] == []


@given(st.text("ab/*", max_size=8), st.text("ab/", max_size=8))
def test_matching_is_that_of_a_regular_expression(pattern: str, path: str) -> None:
    expression = ".*".join(re.escape(part) for part in pattern.split("*"))
    assert (match(pattern, path) is not None) == (re.fullmatch(expression, path) is not None)


@pytest.mark.parametrize(
    ("pattern", "path", "found"),
    [
        ("*", "/apps/7", [""]),
        ("/live", "/live", [""]),
        ("/live/*", "/live/apps/7", ["", "/live"]),
        ("/live*", "/live/apps/7", ["", "/live"]),
        ("/live*", "/lively/apps/7", [""]),
        ("/a/b/*", "/a/b/apps", ["", "/a", "/a/b"]),
        ("/*/b/*", "/a/b/apps", ["", "/a/b"]),
        ("/a/*/x", "/a/b/c/x", ["", "/a"]),
        ("/a/*", "/b/", [""]),
    ],
)
def test_what_a_pattern_fixes_may_stand_in_front(pattern: str, path: str, found: list[str]) -> None:
    assert prefixes(pattern, path) == found


def test_a_path_of_many_slashes_has_no_more_beginnings_than_its_pattern() -> None:
    assert len(prefixes("/*/x/*", "/a" * 10_000 + "/x/apps")) == 2

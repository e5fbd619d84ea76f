import time

import pytest

from filtered_websocket.web.paths import match, rank


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


def test_a_path_made_to_be_slow_is_not() -> None:
    path = "/apps/" + "/channels/" * 100_000
    begin = time.perf_counter()
    assert match("/apps/*/channels/*/channels/*/users", path) is None
    assert time.perf_counter() - begin < 0.5

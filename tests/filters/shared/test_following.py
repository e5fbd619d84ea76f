"""What is made of a use's options follows them."""

from types import SimpleNamespace
from typing import Any

import pytest

from filtered_websocket.filters.shared.following import made_of


def test_it_is_made_once_and_anew_where_a_value_has_changed() -> None:
    made: list[Any] = []

    def make(options: Any, former: Any) -> str:
        if options.key == "bad":
            raise ValueError("no key")
        made.append(former)
        return f"of {options.key}"

    def now(key: str, other: int = 0) -> Any:
        use.options = SimpleNamespace(key=key, other=other)
        return made_of(use, ["key"], make)

    use: Any = SimpleNamespace(state={}, options=None)
    assert now("a") == made_of(use, ["key"], make) == "of a"
    assert now("a", other=1) == "of a"
    assert made == [None]
    with pytest.raises(ValueError, match="no key"):
        now("bad")
    assert now("b") == "of b"
    assert made == [None, "of a"]

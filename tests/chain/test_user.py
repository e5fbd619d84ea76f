from typing import Any

import pytest

from filtered_websocket.chain.user import check_user


@pytest.mark.parametrize("name", ["ann", "", None])
def test_a_user_is_named_by_a_text_or_not_at_all(name: str | None) -> None:
    assert check_user(name) == name


@pytest.mark.parametrize("name", [7, b"ann", ["ann"]])
def test_nothing_else_is_a_name(name: Any) -> None:
    with pytest.raises(TypeError, match=f"a user is named by a str, or None, not by {type(name).__name__}"):
        check_user(name)

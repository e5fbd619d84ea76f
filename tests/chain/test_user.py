from types import SimpleNamespace
from typing import Any

import pytest

from filtered_websocket.chain.user import Named, check_user


@pytest.mark.parametrize("name", ["ann", "", None])
def test_a_user_is_named_by_a_text_or_not_at_all(name: str | None) -> None:
    assert check_user(name) == name


@pytest.mark.parametrize("name", [7, b"ann", ["ann"]])
def test_nothing_else_is_a_name(name: Any) -> None:
    with pytest.raises(TypeError, match=f"a user is named by a str, or None, not by {type(name).__name__}"):
        check_user(name)


class Session(Named):
    """A session, and what its server is told."""

    def __init__(self) -> None:
        self.told: list[str | None] = []
        self.pipeline: Any = SimpleNamespace(
            server=SimpleNamespace(user_named=lambda each: self.told.append(each.user))
        )


def test_the_server_is_told_of_a_session_whose_it_is_while_it_is_there() -> None:
    session = Session()
    session.user = "early"
    session.opened = True
    session.user = "ann"
    with pytest.raises(TypeError):
        session.user = 5  # type: ignore[assignment]
    session.ended = True
    session.user = "late"
    assert session.told == ["ann"]

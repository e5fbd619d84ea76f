import pytest

from filtered_websocket.filters.jwt_auth.users import user_of
from filtered_websocket.filters.shared.tokens import BadToken


def test_a_claim_names_the_user():
    assert user_of({"sub": "ada", "name": "Ada"}, "sub") == "ada"
    assert user_of({"sub": "ada", "name": "Ada"}, "name") == "Ada"
    assert user_of({"sub": "ada"}, "") is None


@pytest.mark.parametrize("claims", [{}, {"sub": None}, {"sub": ""}, {"sub": 1}, {"sub": ["ada"]}, {"sub": "\ud800"}])
def test_a_user_is_a_text(claims):
    with pytest.raises(BadToken, match="the token's sub"):
        user_of(claims, "sub")

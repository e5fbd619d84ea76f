"""Whose a token is."""

from collections.abc import Mapping
from typing import Any

from filtered_websocket.filters.shared.tokens import BadToken


def user_of(claims: Mapping[str, Any], name: str) -> str | None:
    """The user that a token names.

    :param name: of the claim that does; "" for none
    :raises BadToken: the claim is not there, or no text
    """
    if not name:
        return None
    user = claims.get(name)
    if not isinstance(user, str) or not user:
        raise BadToken(f"the token's {name}, which names the user, is to be a text")
    try:
        user.encode()
    except UnicodeEncodeError:
        raise BadToken(f"the token's {name} is no text of Unicode") from None
    return user

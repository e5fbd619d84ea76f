"""What clients are told, and what nodes tell each other.

A member is a text: ``u`` and the name of a user, or ``c`` and the id of a connection that has none. Nodes tell each
other ``+`` or ``-`` with a member behind it, on a channel that no client can reach.
"""

import json
from collections.abc import Iterable, Sequence

from filtered_websocket.errors import NotAllowed

USER, CONNECTION = "u", "c"
LONGEST = 128
"""Characters of a user's name: it goes to everybody."""
_JOINERS = dict.fromkeys((0x200C, 0x200D))
"""What no font shows and names are written with: Persian and Indic ones, and emoji."""


def member_of(user: str | None, connection: str) -> str:
    """
    :raises NotAllowed: a name that is not to be shown to others
    """
    if not user:
        return CONNECTION + connection
    if len(user) > LONGEST:
        raise NotAllowed("name of a user", f"a user's name has at most {LONGEST} characters here")
    if not user.translate(_JOINERS).isprintable():
        raise NotAllowed("name of a user", "a user's name is to be printable here")
    return USER + user


def event(member: str, is_here: bool) -> bytes:
    """What a node tells the others."""
    return f"{'+' if is_here else '-'}{member}".encode()


def read_event(payload: bytes) -> tuple[str, bool] | None:
    """The member, and whether it is here; None for what no node says."""
    text = payload.decode("utf-8", "replace")
    if text[:1] not in ("+", "-") or text[1:2] not in (USER, CONNECTION):
        return None
    return text[1:], text[0] == "+"


def told(kind: str, members: Iterable[str] | None, count: int, anonymous: int, with_ids: bool) -> bytes:
    """A message to clients.

    :param kind: ``here``, ``joined``, ``left``, ``count``
    :param members: that it names; None: it names none
    :param count: users that are here then
    :param anonymous: connections without a user that are here then
    :param with_ids: whether such a connection is named by its id
    """
    message: dict[str, str | int | Sequence[str]] = {"presence": kind}
    if members is not None:
        named = list(members)
        message["users"] = [each[1:] for each in named if each[0] == USER]
        if with_ids:
            message["connections"] = [each[1:] for each in named if each[0] == CONNECTION]
    message |= {"count": count, "anonymous": anonymous}
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()

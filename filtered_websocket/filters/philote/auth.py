"""Tokens: finding one in a request, checking it, what it allows."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from filtered_websocket.chain.request import Request
from filtered_websocket.errors import Reject
from filtered_websocket.filters.shared.signing_keys import Keys
from filtered_websocket.filters.shared.tokens import BadToken, bearer, ends, signed_claims

CHALLENGE = (("WWW-Authenticate", "Bearer"),)
_NONE: frozenset[str] = frozenset()
_TEXTS = frozenset((str,))


class Refused(Reject):
    """No token, or one that is not good: 401 with the reason, which quotes nothing of the token."""

    def __init__(self, reason: str) -> None:
        super().__init__(401, reason, CHALLENGE)


class Access(NamedTuple):
    """What a token allows.

    :ivar expires: seconds since the epoch, None if it never does
    :ivar user: its subject, None if it names none
    """

    read: frozenset[str]
    write: frozenset[str]
    api: bool
    expires: float | None
    user: str | None = None


def token_of(request: Request) -> str:
    """The token of a request: the header Authorization, with or without the word Bearer, else the parameter ``auth``.

    :raises Refused: there is none
    """
    header = request.headers.get("authorization", "").strip()
    if header:
        found = bearer(header)
        token = header if found is None else found
    else:
        token = request.params.get("auth", [""])[0].strip()
    if not token:
        raise Refused("a token is wanted: Authorization: Bearer TOKEN, or ?auth=TOKEN")
    return token


def check(token: str, keys: Keys) -> Access:
    """What a token allows.

    :raises Refused: it is no JWT of ours, or not of now, or says what no token can
    """
    try:
        claims = signed_claims(token, keys)
        expires = ends(claims)
    except BadToken as bad:
        raise Refused(str(bad)) from None
    api = claims.get("api")
    if api is not None and not isinstance(api, bool):
        raise Refused("the token's api is to be true or false")
    subject = claims.get("sub")
    user = subject if isinstance(subject, str) and subject else None
    reads = _channels(claims, "read")
    # Most write what they read: one set for both.
    writes = reads if claims.get("write") == claims.get("read") else _channels(claims, "write")
    return Access(reads, writes, bool(api), expires, user)


def claims_of(token: str, keys: Keys) -> dict[str, Any]:
    """The claims of a token that is signed and of now. Raises Refused."""
    try:
        claims = signed_claims(token, keys)
        ends(claims)
    except BadToken as bad:
        raise Refused(str(bad)) from None
    return claims


def _channels(claims: Mapping[str, Any], name: str) -> frozenset[str]:
    names = claims.get(name)
    if names is None:
        return _NONE
    if not isinstance(names, list) or not _TEXTS.issuperset(map(type, names)):
        raise Refused(f"the token's {name} is to be a list of texts")
    return frozenset(filter(None, names))

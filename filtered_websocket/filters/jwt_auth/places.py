"""Where a request holds a token.

header       Authorization: Bearer TOKEN
query        /?token=TOKEN
cookie       Cookie: token=TOKEN
subprotocol  Sec-WebSocket-Protocol: bearer, TOKEN, among others: new WebSocket(url, ["bearer", token])
"""

from collections.abc import Sequence
from itertools import pairwise

from filtered_websocket.chain.interfaces import Options
from filtered_websocket.chain.request import Request
from filtered_websocket.filters.shared.tokens import BadToken, bearer

PLACES = ("header", "query", "cookie", "subprotocol")
MARK = "bearer"
"""The subprotocol that a token follows."""


def token_in(request: Request, options: Options) -> str | None:
    """The token of a request, from the first place that holds one; None: none does.

    :raises BadToken: a place holds two
    """
    for place in options.jwt_from:
        if place == "header":
            found = bearer(request.headers.get("authorization", ""))
        elif place == "query":
            found = _once(request.params.get(options.jwt_parameter, []), "the URL")
        elif place == "cookie":
            found = _once(_cookies(request.headers.get("cookie", ""), options.jwt_cookie), "the cookies")
        else:
            found = _after(request.protocols)
        if found:
            return found
    return None


def mark(protocols: Sequence[str]) -> str | None:
    """The subprotocol that tells of a token, as the client has written it; None: it does not offer it."""
    return next((each for each in protocols if each.lower() == MARK), None)


def _after(protocols: Sequence[str]) -> str | None:
    """What follows the mark."""
    return next((following for each, following in pairwise(protocols) if each.lower() == MARK), None)


def _cookies(header: str, name: str) -> list[str]:
    """The values of all cookies of a name."""
    pairs = (pair.partition("=") for pair in header.split(";"))
    return [value.strip() for each, _, value in pairs if each.strip() == name]


def _once(values: Sequence[str], where: str) -> str | None:
    # A neighbouring domain can set a cookie of the same name (RFC 6265, 8.6): which of two counts, nobody can tell.
    if len(values) > 1:
        raise BadToken(f"{where} hold two tokens" if where.endswith("s") else f"{where} holds two tokens")
    return values[0] if values else None

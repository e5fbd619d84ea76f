"""What tokens are checked with beside their dates: keys, their audience and their issuer."""

import re
from typing import Any, NamedTuple

from filtered_websocket.filters.shared.signing_keys import Keys
from filtered_websocket.filters.shared.tokens import BadToken, signed_claims


class Verifier(NamedTuple):
    """
    :ivar audience, issuer: what tokens have to name; "" for anything
    :ivar audiences, issuers: what that has to be like
    """

    keys: Keys
    audience: str = ""
    issuer: str = ""
    audiences: re.Pattern[str] | None = None
    issuers: re.Pattern[str] | None = None

    def claims(self, token: str) -> dict[str, Any]:
        """What a token claims. Its dates are yet to be looked at.

        :raises BadToken: it is not signed by one of the keys, or for or from another
        """
        claims = signed_claims(token, self.keys)
        audience, issuer = (claims.get(name) for name in ("aud", "iss"))
        audience, issuer = [] if audience is None else audience, "" if issuer is None else issuer
        audiences = audience if isinstance(audience, list) else [audience]
        if not all(isinstance(each, str) for each in audiences):
            raise BadToken("the token's aud is to be a text, or a list of texts")
        if not isinstance(issuer, str):
            raise BadToken("the token's iss is to be a text")
        if self.audience and self.audience not in audiences:
            raise BadToken("the token is for another audience")
        if self.audiences is not None and not any(_is_like(self.audiences, each) for each in audiences):
            raise BadToken("the token is for another audience")
        if (self.issuer and issuer != self.issuer) or not _is_like(self.issuers, issuer):
            raise BadToken("the token is another issuer's")
        return claims


def _is_like(pattern: re.Pattern[str] | None, name: str) -> bool:
    # A `$` fits before a newline, too.
    return pattern is None or (name.isprintable() and pattern.search(name) is not None)

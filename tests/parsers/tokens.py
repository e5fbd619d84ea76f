"""JSON Web Tokens: which ours takes and what it reads in them, and which joserfc does, with the same keys."""

import base64
import hmac
import json
import re
from typing import Any, NamedTuple

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OctKey, RSAKey

from filtered_websocket.filters.shared.signing_keys import DIGESTS, Keys, PublicKey
from filtered_websocket.filters.shared.tokens import BadToken, signed_claims
from tests.parsers.differences import Difference

SECRET = "a secret of more than thirty-two bytes"
RSA, EC = RSAKey.generate_key(2048), ECKey.generate_key("P-256")
PUBLIC = (
    PublicKey(RSA.get_op_key("verify"), ("RS256", "RS384", "RS512")),
    PublicKey(EC.get_op_key("verify"), ("ES256",)),
)
KEYS = Keys(SECRET, public=PUBLIC)
ALGORITHMS = [*DIGESTS, "RS256", "RS384", "RS512", "ES256"]


def signer(algorithm: str) -> Any:
    """joserfc's key for an algorithm."""
    return {"H": OctKey.import_key(SECRET), "R": RSA, "E": EC}[algorithm[0]]


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def made(header: bytes, claims: bytes, algorithm: str = "HS256") -> str:
    """A token of any two texts, rightly signed."""
    signs = f"{base64url(header)}.{base64url(claims)}"
    return f"{signs}.{base64url(hmac.digest(SECRET.encode(), signs.encode(), DIGESTS[algorithm]))}"


def read(token: str) -> Any:
    """The claims that ours reads, None for a token that it does not take."""
    try:
        return signed_claims(token, KEYS)
    except BadToken:
        return None


def read_by_joserfc(token: str) -> Any:
    try:
        return jwt.decode(token, lambda found: signer(found.headers()["alg"]), algorithms=ALGORITHMS).claims
    except (JoseError, ValueError, KeyError, TypeError):
        return None


class Parted(NamedTuple):
    token: str
    ours: Any
    theirs: Any

    def part(self, number: int) -> bytes:
        """What stands in the header or the claims."""
        text = re.sub(r"[^\w-]", "", self.token.split(".")[number], flags=re.ASCII)
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)) if len(text) % 4 != 1 else b""


def parted(token: str) -> Parted | None:
    """Where both part, if they do."""
    one, other = read(token), read_by_joserfc(token)
    return None if repr(one) == repr(other) else Parted(token, one, other)


def _header(parted: Parted) -> dict[str, Any]:
    return json.loads(parted.part(0))  # type: ignore[no-any-return]


_KNOWN = {"alg", "typ", "cty", "kid", "jku", "jwk", "crit", "b64", "x5c", "x5t", "x5u"}

TABLE = (
    Difference(
        "what a header says beside what is known is ignored",
        "the specification",
        "RFC 7515, 4: such parameters must be ignored",
        made(b'{"alg":"HS256","x":1}', b"{}"),
        lambda at: at.theirs is None and at.ours is not None and _header(at).keys() - _KNOWN,
    ),
    Difference(
        "typ may be anything",
        "nothing is decided by it",
        "RFC 7519, 5.1: for applications",
        made(b'{"alg":"HS256","typ":5}', b"{}"),
        lambda at: at.theirs is None and at.ours is not None and not isinstance(_header(at).get("typ", ""), str),
    ),
)

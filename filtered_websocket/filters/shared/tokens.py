"""JSON Web Tokens: read and checked with keys, and made. What its claims mean is each pack's own."""

import json
import re
import time
from base64 import urlsafe_b64encode
from binascii import a2b_base64, b2a_base64
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import jwt

from filtered_websocket.filters.shared.signing_keys import DIGESTS, Keys, sign
from filtered_websocket.messages.strict_json import loads

Parts = tuple[dict[str, Any], bytes, bytes]
"""Header, claims as they are written, and signature."""
Usual = tuple[str, bytes, bytes, bytes]
"""The algorithm, what is signed, claims as they are written, and signature."""
_JWS = jwt.PyJWS()  # made once: it makes all its algorithms
_TOKEN = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)
_STANDARD = bytes.maketrans(b"-_+/", b"+/!!")
"""From base64url to what binascii reads."""
_DATES = frozenset(("exp", "nbf", "iat"))


class BadToken(Exception):  # noqa: N818 - what it is
    """The token is not good. The text says why, and quotes nothing of it."""


def signed_claims(token: str, keys: Keys) -> dict[str, Any]:
    """The claims of a token that one of the keys has signed; its dates are yet to be looked at.

    :raises BadToken: it is no JWT, or signed by another key, or in a way that is not taken
    """
    usual = _read_usual(token)
    if usual is not None:
        algorithm, signs, written, signature = usual
        signed = keys.secret_signed(signs, algorithm, signature)
    else:
        try:
            header, written, signature = _read(token)
        except (jwt.PyJWTError, ValueError):
            raise BadToken("the token is no JWT") from None
        signed = keys.signed(token, header, signature)
    # Before the claims are read: what nobody has signed costs no more, however large and deep it is.
    if not signed:
        raise BadToken("the token's signature is wrong, or its algorithm is not taken")
    try:
        claims = loads(written)
    except ValueError:
        claims = _lenient(written)
    if not isinstance(claims, dict):
        raise BadToken("the token is no JWT")
    return claims


def _lenient(written: bytes) -> Any:
    """The JSON of claims as PyJWT takes it: with NaN, and in UTF-16; None: it is none."""
    try:
        return json.loads(written)
    except (ValueError, RecursionError):
        return None


def date(claims: Mapping[str, Any], name: str) -> int | None:
    """A date among the claims: whole seconds since the epoch, as PyJWT has them; None if it is not there.

    :raises BadToken: it is no number that a clock can be compared with
    """
    if name not in claims:
        return None
    value = claims[name]
    # bool is an int to Python; JSON knows numbers that no clock can be compared with: 1e999, a thousand digits.
    if isinstance(value, bool) or not isinstance(value, int | float) or not -1e15 < value < 1e15:
        raise BadToken(f"the token's {name} is to be a number")
    return int(value)


def ends(claims: Mapping[str, Any], leeway: float = 0.0) -> float | None:
    """When a token of now ends, in seconds since the epoch; None: never.

    :param leeway: seconds that clocks may differ by
    :raises BadToken: it is not of now, or one of its dates is none
    """
    if _DATES.isdisjoint(claims):
        return None
    expires, begins, issued = date(claims, "exp"), date(claims, "nbf"), date(claims, "iat")
    now = time.time()
    if (begins is not None and begins > now + leeway) or (issued is not None and issued > now + leeway):
        raise BadToken("the token is not yet valid")
    if expires is None:
        return None
    if expires + leeway <= now:
        raise BadToken("the token has expired")
    return expires + leeway


def bearer(header: str) -> str | None:
    """The token of the header Authorization (RFC 6750, 2.1); None where it has another scheme, or none."""
    scheme, _, rest = header.strip().partition(" ")
    return rest.strip() if scheme.lower() == "bearer" else None


def _read(token: str) -> Parts:
    """Header, claims and signature of a token.

    :raises PyJWTError, ValueError: it is no JWT
    """
    if _TOKEN.fullmatch(token) is None:
        # PyJWT takes padding, which no token has (RFC 7515, 2): another text would be the same token.
        raise ValueError("three parts in base64url are wanted")
    parts = _JWS.decode_complete(token, options={"verify_signature": False})
    return parts["header"], parts["payload"], parts["signature"]


def _read_usual(token: str) -> Usual | None:
    """The same for a token that is as nearly all are, at an eighth of the cost; None for any other: PyJWT tells."""
    signs, _, signature = token.rpartition(".")
    header, _, claims = signs.partition(".")
    algorithm = _algorithm_of(header)
    if algorithm is None or not claims or not signature:
        return None
    try:
        return algorithm, signs.encode(), _decode(claims), _decode(signature)
    except ValueError:
        return None


@lru_cache(maxsize=16)
def _algorithm_of(header: str) -> str | None:
    """What a header names that names no key and asks for nothing else: few differ."""
    try:
        said = loads(_decode(header))
    except ValueError:
        return None
    plain = isinstance(said, dict) and said.keys() <= {"alg", "typ"} and said.get("alg") in tuple(DIGESTS)
    return str(said["alg"]) if plain else None


def _decode(part: str) -> bytes:
    """
    :raises ValueError: it is no base64url in the form that has no other
    """
    standard = part.encode().translate(_STANDARD)
    data = a2b_base64(standard + b"==")
    # What it has passed over, and bits of the last character that mean nothing, are not there again.
    if b2a_base64(data, newline=False).rstrip(b"=") != standard:
        raise ValueError("another text would be the same bytes")
    return data


def issue(claims: Mapping[str, Any], secret: str, algorithm: str = "HS256") -> str:
    """A token, signed with a secret, which may be empty.

    :param algorithm: one of `DIGESTS`
    """
    parts = ({"alg": algorithm, "typ": "JWT"}, claims)
    signs = b".".join(_base64(json.dumps(part, separators=(",", ":")).encode()) for part in parts)
    return b".".join((signs, _base64(sign(signs, secret, algorithm)))).decode()


def _base64(data: bytes) -> bytes:
    return urlsafe_b64encode(data).rstrip(b"=")

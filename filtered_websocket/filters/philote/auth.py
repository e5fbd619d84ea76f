"""Tokens: finding one in a request, checking it, what it allows, and making one."""

import json
import re
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import jwt

from filtered_websocket.errors import Reject
from filtered_websocket.filters.philote.signing_keys import DIGESTS, Keys, sign
from filtered_websocket.messages.strict_json import loads

CHALLENGE = (("WWW-Authenticate", "Bearer"),)
Parts = tuple[dict[str, Any], dict[str, Any], bytes]
_TOKEN = re.compile(r"([\w-]+)\.([\w-]+)\.([\w-]+)", re.ASCII)


class Refused(Reject):
    """No token, or one that is not good: 401 with the reason, which quotes nothing of the token."""

    def __init__(self, reason: str) -> None:
        super().__init__(401, reason, CHALLENGE)


class Access(NamedTuple):
    """What a token allows.

    :ivar expires: seconds since the epoch, None if it never does
    """

    read: frozenset[str]
    write: frozenset[str]
    api: bool
    expires: float | None


def token_of(headers: Mapping[str, str], params: Mapping[str, Sequence[str]]) -> str:
    """The token of a request: the header Authorization, with or without the word Bearer, else the parameter ``auth``.

    :raises Refused: there is none
    """
    header = headers.get("authorization", "").strip()
    if header:
        scheme, _, rest = header.partition(" ")
        token = rest.strip() if scheme.lower() == "bearer" else header
    else:
        token = params.get("auth", [""])[0].strip()
    if not token:
        raise Refused("a token is wanted: Authorization: Bearer TOKEN, or ?auth=TOKEN")
    return token


def check(token: str, keys: Keys) -> Access:
    """What a token allows.

    :raises Refused: it is no JWT of ours, or not of now, or says what no token can
    """
    claims = claims_of(token, keys)
    expires = claims.get("exp")
    api = claims.get("api")
    if api is not None and not isinstance(api, bool):
        raise Refused("the token's api is to be true or false")
    return Access(_channels(claims, "read"), _channels(claims, "write"), bool(api), expires)


def claims_of(token: str, keys: Keys) -> dict[str, Any]:
    """The claims of a token that is signed and of now. Raises Refused."""
    try:
        header, claims, signature = _read_usual(token) or _read(token)
    except (jwt.PyJWTError, ValueError):
        raise Refused("the token is no JWT") from None
    if not keys.signed(token, header, signature):
        raise Refused("the token's signature is wrong, or its algorithm is not taken")
    for name in ("exp", "nbf", "iat"):
        value = claims.get(name, 0)
        # bool is an int to Python; JSON knows numbers that no clock can be compared with: 1e999, a thousand digits.
        if isinstance(value, bool) or not isinstance(value, int | float) or not -1e15 < value < 1e15:
            raise Refused(f"the token's {name} is to be a number")
    now = time.time()
    # Dates are whole seconds, as PyJWT has them.
    if any(int(claims[name]) > now for name in ("iat", "nbf") if name in claims):
        raise Refused("the token is not yet valid")
    if "exp" in claims and int(claims["exp"]) <= now:
        raise Refused("the token has expired")
    return claims


def _read(token: str) -> Parts:
    """Header, claims and signature of a token.

    :raises PyJWTError: it is no JWT
    """
    parts = jwt.decode_complete(token, options={"verify_signature": False})
    return parts["header"], parts["payload"], parts["signature"]


def _read_usual(token: str) -> Parts | None:
    """The same for a token that is as nearly all are, at a quarter of the cost; None for any other: PyJWT tells."""
    match = _TOKEN.fullmatch(token)
    if match is None:
        return None
    header, claims, signature = match.groups()
    algorithm = _algorithm_of(header)
    if algorithm is None:
        return None
    try:
        found = loads(_decode(claims))
        return ({"alg": algorithm}, found, _decode(signature)) if isinstance(found, dict) else None
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
    :raises ValueError: it is no base64 in the form that has no other
    """
    data = urlsafe_b64decode(part + "==")
    if _base64(data) != part.encode():
        raise ValueError("another text would be the same bytes")
    return data


def _channels(claims: Mapping[str, Any], name: str) -> frozenset[str]:
    names = claims.get(name)
    if names is None:
        return frozenset()
    if not isinstance(names, list) or not all(isinstance(each, str) for each in names):
        raise Refused(f"the token's {name} is to be a list of texts")
    return frozenset(names) - {""}


def issue(claims: Mapping[str, Any], secret: str, algorithm: str = "HS256") -> str:
    """A token, signed with a secret, which may be empty.

    :param algorithm: one of `DIGESTS`
    """
    parts = ({"alg": algorithm, "typ": "JWT"}, claims)
    signs = b".".join(_base64(json.dumps(part, separators=(",", ":")).encode()) for part in parts)
    return b".".join((signs, _base64(sign(signs, secret, algorithm)))).decode()


def _base64(data: bytes) -> bytes:
    return urlsafe_b64encode(data).rstrip(b"=")

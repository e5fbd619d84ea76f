"""The options of jwt_auth."""

import re
from collections.abc import Iterator
from typing import Any

from filtered_websocket.config.option import Option, Options
from filtered_websocket.config.parsers import boolean, integer, text, words
from filtered_websocket.errors import ConfigError
from filtered_websocket.filters.jwt_auth.places import PLACES
from filtered_websocket.filters.shared import signing_keys
from filtered_websocket.filters.shared.signing_keys import Keys
from filtered_websocket.filters.shared.verifier import Verifier


def _places(value: Any) -> list[str]:
    places = words(value)
    if not places or len(set(places)) < len(places) or not set(places) <= set(PLACES):
        raise ValueError(f"some of {', '.join(PLACES)} are wanted, each once")
    return places


def _name(value: Any) -> str:
    """What stands in a URL or a cookie without being escaped (RFC 6265, 4.1.1)."""
    name = text(value)
    if re.fullmatch(r"[\w!#$*.^`|~-]{1,64}", name, re.ASCII) is None:
        raise ValueError("a name is wanted of letters, digits, - and _")
    return name


def _claim(value: Any) -> str:
    # It is named in refusals, whose first line is one of HTTP.
    name = text(value)
    if re.fullmatch(r"[!-~]{0,100}", name) is None:
        raise ValueError("the name of a claim is wanted, of printable ASCII without blanks")
    return name


SECRET = Option(
    "jwt_secret", text, "", "signs tokens (HS256, HS384, HS512); empty: none are taken that are so", scope="use",
    secret=True,
)  # fmt: skip
PREVIOUS_SECRET = Option(
    "jwt_previous_secret", text, "", "the secret before, whose tokens are still taken, until the date beside it",
    scope="use", secret=True,
)  # fmt: skip
PREVIOUS_SECRET_UNTIL = Option(
    "jwt_previous_secret_until", signing_keys.read_date, None,
    "when jwt_previous_secret ends: a date such as 2030-01-31T12:00Z, or seconds since 1970", scope="use",
)  # fmt: skip
PUBLIC_KEY = Option(
    "jwt_public_key", lambda value: signing_keys.read_pem(text(value)), (),
    "PEM file of a public key or certificate: tokens signed with RS*, ES* or EdDSA and its private key are taken",
    scope="use",
)  # fmt: skip
JWKS = Option(
    "jwt_jwks", lambda value: signing_keys.read_jwks(text(value)), (),
    "JWKS file of such public keys, read again in a reload", scope="use",
)  # fmt: skip
FROM = Option(
    "jwt_from", _places, ["header", "subprotocol"],
    "where a token may be, in this order: header (Authorization: Bearer), query, cookie, subprotocol", many=True,
    scope="use",
)  # fmt: skip
PARAMETER = Option("jwt_parameter", _name, "token", "parameter of the URL that is a token", scope="use")
COOKIE = Option("jwt_cookie", _name, "token", "cookie that is a token", scope="use")
USER = Option("jwt_user", _claim, "sub", "claim that names the user; empty: tokens name none", scope="use")
AUDIENCE = Option("jwt_audience", text, "", "audience (aud) that tokens have to name; empty: any", scope="use")
ISSUER = Option("jwt_issuer", text, "", "issuer (iss) that tokens have to name; empty: any", scope="use")
LEEWAY = Option("jwt_leeway", integer(0, 300), 0, "what the clocks of issuers may differ by", unit="s", scope="use")
ENFORCE_EXPIRY = Option(
    "jwt_enforce_expiry", boolean, False, "close a connection when its token expires (1008); else it stays",
    scope="use", switch=True,
)  # fmt: skip
OPTIONS = (
    SECRET, PREVIOUS_SECRET, PREVIOUS_SECRET_UNTIL, PUBLIC_KEY, JWKS, FROM, PARAMETER, COOKIE, USER, AUDIENCE, ISSUER,
    LEEWAY, ENFORCE_EXPIRY,
)  # fmt: skip


def verifier(options: Options) -> Verifier:
    """What tokens are checked with.

    :raises ConfigError: there is no key, or half of one
    """
    secret, previous, until = options.jwt_secret, options.jwt_previous_secret, options.jwt_previous_secret_until
    public = (*options.jwt_public_key, *options.jwt_jwks)
    if not secret and not public:
        raise ConfigError("jwt_auth: a key is wanted: jwt_secret, jwt_public_key or jwt_jwks")
    if bool(previous) != (until is not None):
        raise ConfigError("jwt_auth: jwt_previous_secret and jwt_previous_secret_until go together")
    keys = Keys(secret or None, (previous, until) if previous else None, public)
    return Verifier(keys, options.jwt_audience, options.jwt_issuer)


def check(options: Options) -> None:
    """
    :raises ConfigError: there is no key, or half of one
    """
    verifier(options)


def no_effect(options: Options) -> Iterator[tuple[str, str]]:
    """What takes no effect beside other options: its name, and why."""
    if "query" not in options.jwt_from:
        yield "jwt_parameter", "without query in jwt_from"
    if "cookie" not in options.jwt_from:
        yield "jwt_cookie", "without cookie in jwt_from"

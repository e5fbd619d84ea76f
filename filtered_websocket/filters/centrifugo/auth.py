"""Tokens: what a connection token and a subscription token say, and with which code one that is not good is refused."""

import base64
import binascii
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from filtered_websocket.filters.centrifugo.codes import (
    EXPIRED,
    INVALID_TOKEN,
    PERMISSION_DENIED,
    TOKEN_EXPIRED,
    Disconnect,
    Error,
)
from filtered_websocket.filters.centrifugo.json_reader import whole
from filtered_websocket.filters.centrifugo.overrides import Override, read_override
from filtered_websocket.filters.shared.tokens import BadToken, date
from filtered_websocket.filters.shared.verifier import Verifier
from filtered_websocket.messages.strict_json import dumps

YEAR = 365 * 86400.0


class ServerSubscription(NamedTuple):
    """A channel that a token, or a filter, puts a client in.

    :ivar info: of the client in this channel, as JSON
    :ivar data: what the client is told with it, as JSON
    """

    info: bytes = b""
    data: bytes = b""
    override: Override = Override()


class Connecting(NamedTuple):
    """What a connection token says.

    :ivar expires: when the connection ends, in seconds since the epoch; None: never
    """

    user: str = ""
    info: bytes = b""
    expires: float | None = None
    channels: Mapping[str, ServerSubscription] = {}
    meta: Any = None


class Subscribing(NamedTuple):
    """What a subscription token says."""

    info: bytes = b""
    data: bytes = b""
    expires: float | None = None
    override: Override = Override()


def read_connection(token: str, verifier: Verifier) -> Connecting:
    """What a connection token says.

    :raises Disconnect: 3500, it is not good
    :raises Error: 109, it has expired, or is not yet valid; 110, the connection that it is for has
    """
    try:
        claims = _claims(token, verifier)
        if _text(claims, "channel"):
            raise BadToken("it is a subscription token")
        expires = _dates(claims)
        return Connecting(_text(claims, "sub"), _info(claims), expires, _channels(claims), claims.get("meta"))
    except BadToken:
        raise Disconnect(INVALID_TOKEN) from None


def read_subscription(token: str, verifier: Verifier, channel: str, user: str, client: str) -> Subscribing:
    """What a subscription token says.

    :raises Error: 103, it is not good; 109, 110: as above
    :raises Disconnect: 3500, it is another channel's, user's or client's
    """
    try:
        claims = _claims(token, verifier)
        named = _text(claims, "channel")
        if not named:
            raise BadToken("it names no channel")
        expires = _dates(claims)
        found = Subscribing(_info(claims), _embedded(claims, "data"), expires, read_override(claims.get("override")))
        user_named, client_named = _text(claims, "sub"), _text(claims, "client")
    except BadToken:
        raise Error(PERMISSION_DENIED) from None
    if named != channel or user_named != user or client_named not in ("", client):
        raise Disconnect(INVALID_TOKEN)
    return found


def _claims(token: str, verifier: Verifier) -> dict[str, Any]:
    claims = _there(verifier.claims(token))
    _text(claims, "jti")
    return claims


def _there(claims: Mapping[str, Any]) -> dict[str, Any]:
    """The claims without those that are null: they are not there."""
    return {name: value for name, value in claims.items() if value is not None}


def _dates(claims: Mapping[str, Any]) -> float | None:
    """When what the token is for ends; None: never. Raises Error."""
    now = time.time()
    expires, begins, ends = (date(claims, name) for name in ("exp", "nbf", "expire_at"))
    if (expires is not None and expires <= now) or (begins is not None and begins > now):
        raise Error(TOKEN_EXPIRED)
    if ends is not None:
        if 0 < ends <= now:
            raise Error(EXPIRED)
        expires = ends if ends > 0 else None
    return None if expires is None else min(expires, now + YEAR)


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name, "")
    if not isinstance(value, str):
        raise BadToken(f"the token's {name} is to be a text")
    return whole(value)


def _info(claims: Mapping[str, Any]) -> bytes:
    return _embedded(claims, "info")


def _embedded(claims: Mapping[str, Any], name: str) -> bytes:
    """JSON among the claims, or what stands there in base64, which may be none."""
    encoded = _text(claims, f"b64{name}")
    if encoded:
        try:
            return base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            raise BadToken(f"the token's b64{name} is no base64") from None
    value = claims.get(name)
    try:
        return b"" if value is None else dumps(value).encode()
    except ValueError:
        raise BadToken(f"the token's {name} is no JSON") from None


def _channels(claims: Mapping[str, Any]) -> dict[str, ServerSubscription]:
    subs, names = claims.get("subs"), claims.get("channels")
    if subs is not None:
        if not isinstance(subs, dict) or not all(isinstance(each, dict | None) for each in subs.values()):
            raise BadToken("the token's subs are to be an object of objects")
        said = {whole(channel): _there(each or {}) for channel, each in subs.items()}
        return {
            channel: ServerSubscription(_info(each), _embedded(each, "data"), read_override(each.get("override")))
            for channel, each in said.items()
        }
    if names is None:
        return {}
    if not isinstance(names, Sequence) or isinstance(names, str) or not all(isinstance(each, str) for each in names):
        raise BadToken("the token's channels are to be a list of texts")
    return dict.fromkeys(map(whole, names), ServerSubscription())

"""What is signed: subscriptions, sign-ins, and requests by HTTP."""

import hashlib
import time
from typing import NamedTuple
from urllib.parse import unquote

from filtered_websocket.filters.pusher import wire
from filtered_websocket.filters.pusher.apps import App
from filtered_websocket.filters.pusher.wire import PusherError
from filtered_websocket.filters.shared.signatures import equal, sign, signed
from filtered_websocket.messages.message import utf8_size
from filtered_websocket.web.request import HTTPRequest
from filtered_websocket.web.response import HTTPError

CLOCK_SECONDS = 600
"""How far the clocks of a backend and this server may be apart."""


class User(NamedTuple):
    """
    :ivar info: user_info as JSON
    """

    id: str
    info: str


def check_subscription(app: App, socket_id: str, channel: str, auth: object, channel_data: str | None) -> None:
    """
    :raises PusherError: the signature is not that of this connection, channel and channel_data
    """
    message = f"{socket_id}:{channel}" if channel_data is None else f"{socket_id}:{channel}:{channel_data}"
    if not signed(auth, app.key, app.secret, message):
        # Neither the signature nor the string that should have been signed: both help to guess.
        raise PusherError(wire.UNAUTHORIZED, "the signature of this subscription is wrong", channel, 401)


def member_of(channel: str, channel_data: str, most: int) -> User:
    """The member that channel_data, a signed string, names.

    :param most: bytes that it may have
    :raises PusherError: it names none
    """
    if utf8_size(channel_data) > most:
        says = f"channel_data may have {most} bytes"
        raise PusherError(wire.MALFORMED, says, channel, 413, "pusher_max_member_size")
    try:
        data = wire.members_of(channel_data)
        info = wire.dumps(data.get("user_info"))
    except PusherError:
        raise PusherError(wire.MALFORMED, "channel_data is a string that holds an object", channel, 400) from None
    ident = data.get("user_id")
    if type(ident) is int:
        ident = str(ident)
    if not isinstance(ident, str) or not 0 < len(ident) <= 128:
        raise PusherError(wire.MALFORMED, "channel_data has no user_id of 1 to 128 characters", channel, 400)
    return User(ident, info)


def signed_user(app: App, socket_id: str, auth: object, user_data: object) -> User:
    """The user of a sign-in.

    :raises PusherError: 4009, the signature is wrong, or there is no user in it
    """
    if not isinstance(user_data, str) or not signed(auth, app.key, app.secret, f"{socket_id}::user::{user_data}"):
        raise PusherError(wire.UNAUTHORIZED, "the signature of this sign-in is wrong")
    try:
        data = wire.members_of(user_data)
        info = wire.dumps(data.get("user_info"))
    except PusherError:
        data, info = {}, "null"
    ident = data.get("id")
    if not isinstance(ident, str) or not 0 < len(ident) <= 200:
        raise PusherError(wire.UNAUTHORIZED, "user_data has no id of 1 to 200 characters")
    return User(ident, info)


def check_request(app: App, request: HTTPRequest) -> None:
    """
    :raises HTTPError: 401, it is not signed, or not now, or its body is another
    """
    pairs = _pairs(request.query)
    params = dict(pairs)
    # Of a name that is there twice one is signed, and the other one may be read.
    good = len(pairs) == len(params)
    given = params.pop("auth_signature", "")
    query = "&".join(f"{name.lower()}={value}" for name, value in sorted(params.items(), key=_lower))
    # All is looked at, whatever is wrong, and one answer given: there is nothing to learn from it.
    # Behind a path of the pipeline's own some SDKs sign the whole path, others what Pusher's own would be.
    signed_paths = (request.path, request.path.removeprefix(request.prefix))
    right = [equal(given, sign(app.secret, f"{request.method}\n{path}\n{query}")) for path in signed_paths]
    good &= any(right)
    good &= equal(params.get("auth_key"), app.key) and params.get("auth_version") == "1.0"
    md5 = hashlib.md5(request.body, usedforsecurity=False).hexdigest()
    good &= equal(params.get("body_md5", "" if request.body else md5), md5)
    if not good:
        raise HTTPError(401, "the request's signature is wrong")
    stamp = params.get("auth_timestamp", "")
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) < 16 and abs(time.time() - int(stamp)) <= CLOCK_SECONDS):
        raise HTTPError(401, f"auth_timestamp is not within {CLOCK_SECONDS} s of this server's clock")


def key_of(request: HTTPRequest) -> str:
    """The key that a request says it is signed with."""
    return dict(_pairs(request.query)).get("auth_key", "")


def _pairs(query: str) -> list[tuple[str, str]]:
    # Not parse_qsl: what is signed is not encoded, and a + in it is a +.
    parts = (part.partition("=") for part in query.split("&") if part)
    return [(unquote(name), unquote(value)) for name, _, value in parts]


def _lower(pair: tuple[str, str]) -> str:
    return pair[0].lower()

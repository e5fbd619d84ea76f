"""What is signed: subscriptions of clients, and of web hooks."""

from typing import Any, NamedTuple

from filtered_websocket.filters.pushi import wire
from filtered_websocket.filters.pushi.apps import App
from filtered_websocket.filters.pushi.wire import PushiError
from filtered_websocket.filters.shared.signatures import signed
from filtered_websocket.messages.strict_json import loads, size

MAX_MEMBER = 16 * 1024
"""Bytes of channel_data, as JSON: a client that subscribes is told those of all members, in one packet."""


class Member(NamedTuple):
    """
    :ivar data: channel_data as JSON
    :ivar peer: whether other members may write to this one
    """

    user_id: str
    data: str
    peer: bool


def check_subscription(app: App, socket_id: str, channel: str, data: dict[str, Any], covered: bool = False) -> None:
    """
    :param covered: the signature has to cover channel_data
    :raises PushiError: it is not that of this connection and channel
    """
    bare, channel_data = f"{socket_id}:{channel}", data.get("channel_data")
    messages = [f"{bare}:{channel_data}"] if isinstance(channel_data, str) else []
    if not covered or channel_data is None:
        messages.append(bare)
    if not signed(data.get("auth"), app.key, app.secret, *messages):
        # Neither the signature nor the string that should have been signed: both help to guess.
        raise PushiError(wire.UNAUTHORIZED, "the signature of this subscription is wrong", channel)


def check_hook(app: App, url: str, channel: str, auth: object) -> bool:
    """Whether a web hook for a channel of a signed kind is signed."""
    return signed(auth, app.key, app.secret, f"{url}:{channel}")


def member_of(channel: str, channel_data: Any) -> Member | None:
    """The member that channel_data, an object or a string that holds one, names; None where there is none.

    :raises PushiError: it names none
    """
    if isinstance(channel_data, str) and channel_data:
        try:
            channel_data = loads(channel_data)
        except ValueError:
            raise PushiError(wire.MALFORMED, "channel_data is no JSON", channel) from None
    if channel_data is None or channel_data in ("", {}):
        return None
    user_id = channel_data.get("user_id") if isinstance(channel_data, dict) else None
    if type(user_id) is int:
        user_id = str(user_id)
    if not wire.is_name(user_id):
        raise PushiError(wire.MALFORMED, "channel_data is to be an object with a user_id", channel)
    assert isinstance(user_id, str)
    try:
        data = wire.dumps(channel_data)
    except PushiError:
        raise PushiError(wire.MALFORMED, "channel_data is no JSON", channel) from None
    if len(data) > MAX_MEMBER and size(channel_data) > MAX_MEMBER:
        raise PushiError(wire.MALFORMED, f"channel_data may have {MAX_MEMBER} bytes", channel)
    return Member(user_id, data, channel_data.get("peer") is True)

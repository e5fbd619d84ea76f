"""Philote's messages: bytes in, a message or the close that answers them; a message in, text out."""

from typing import Any, NamedTuple

from filtered_websocket.errors import Close
from filtered_websocket.messages.strict_json import decoder, quote


class Refused(Close):
    """What is wrong with a message, as the close that tells it: raised in a filter, it ends the connection."""


class Message(NamedTuple):
    """A publication of a client. An empty `channel` is none."""

    channel: str
    data: str


def decode(payload: bytes | bytearray) -> Message:
    """The message in what was received, as Go's encoding/json reads it into two texts.

    Names of members in any case, of several with one name the last, null leaves a member as it was, other members are
    ignored.

    :raises Refused: 1007, it is no JSON; 1003, a member, or the whole, is of another type
    """
    try:
        members = _decode(payload)
    except ValueError:
        raise Refused(1007, "JSON is wanted") from None
    channel = data = ""
    if members is None:
        return Message(channel, data)
    if not isinstance(members, _Members):
        raise Refused(1003, "a JSON object is wanted")
    for name, value in members:
        folded = name.lower()
        if folded not in ("channel", "data") or value is None:
            continue
        if not isinstance(value, str):
            raise Refused(1003, f"{folded} is to be a text")
        if folded == "channel":
            channel = value
        else:
            data = value
    return Message(channel, data)


def encode(issuer: str, message: Message) -> str:
    """What the readers of a channel get.

    :param issuer: the id of the connection that publishes
    """
    return f'{{"issuer":{quote(issuer)},"channel":{quote(message.channel)},"data":{quote(message.data)}}}'


class _Members(list[tuple[str, Any]]):
    """A JSON object with its members in the order they came, so that the last of several can be told."""


_decode = decoder(object_pairs_hook=_Members)

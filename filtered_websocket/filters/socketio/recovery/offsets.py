"""Offsets: what an event carries as its last element, by which a client says later how far it has come.

42["news",{..},"kJ3x2r9c"]      4 characters for the epoch of the log, and the place in it in base 36
"""

import base64
import hashlib
import re
from collections.abc import Sequence
from functools import lru_cache

from filtered_websocket.messages.message import Message
from filtered_websocket.messages.publication import Position

_OFFSET = re.compile(r"([A-Za-z0-9_-]{4})(0|[1-9a-z][0-9a-z]{0,11})")
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


@lru_cache(64)
def tag(epoch: str) -> str:
    """What stands for an epoch."""
    return base64.urlsafe_b64encode(hashlib.sha256(epoch.encode()).digest()[:3]).decode()


def encode(position: Position) -> str:
    """The offset of a position."""
    number, digits = position.offset, ""
    while number:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
    return tag(position.epoch) + (digits or "0")


def decode(text: str) -> tuple[str, int] | None:
    """The tag of the epoch, and the number; None for what is no offset."""
    match = _OFFSET.fullmatch(text)
    return None if match is None else (match[1], int(match[2], 36))


def stamp(messages: Sequence[Message], offset: str) -> tuple[Message, ...]:
    """An event with its offset. The data of an event is an array that has a name at least."""
    (text, binary), *attachments = messages
    return (b'%b,"%b"]' % (text[:-1], offset.encode()), binary), *attachments


def unstamp(messages: Sequence[Message]) -> tuple[Message, ...]:
    """The opposite."""
    (text, binary), *attachments = messages
    return (text[: text.rindex(b',"')] + b"]", binary), *attachments

"""Engine.IO packets, versions 3 and 4.

A message is ``(payload, is_binary)`` as a WebSocket of Engine.IO 4 carries it, whatever carries it here.
"""

import base64
import binascii

from filtered_websocket.messages.message import Message

MAX_ECHO = 255
"""Characters of a client's own that an answer repeats; more would have it send what is large to other nodes."""

OPEN, CLOSE, PING, PONG, MESSAGE, UPGRADE, NOOP = "0123456"

NOOP_MESSAGE: Message = (NOOP.encode(), False)
CLOSE_MESSAGE: Message = (CLOSE.encode(), False)

BINARY_MESSAGE = b"\4"
"""What bytes of Engine.IO 3 begin with, on a WebSocket too: the type of the packet, message."""


class Malformed(ValueError):  # noqa: N818 - what it is
    """What no client of the protocol sends, or no program writes on the bus: a few words say which rule it breaks."""


def decode_text(part: str, protocol: int) -> Message:
    """The message in a packet that came as text: in base64 it is bytes, on a WebSocket too.

    :raises Malformed: it is no base64
    """
    if not part.startswith("b"):
        return part.encode(), False
    if protocol == 3 and part[1:2] != MESSAGE:
        raise Malformed("a binary packet is a message")
    return from_base64(part[2 if protocol == 3 else 1 :]), True


_STANDARD = str.maketrans("-_", "+/", "\t\n\r ")


def from_base64(text: str) -> bytes:
    """The bytes in base64 of either alphabet; line ends (Java's) and a missing padding do no harm, as in Node.js.

    :raises Malformed: it is none
    """
    digits = text.translate(_STANDARD).rstrip("=")
    try:
        return base64.b64decode(digits + "=" * (-len(digits) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise Malformed("a binary packet is base64") from None

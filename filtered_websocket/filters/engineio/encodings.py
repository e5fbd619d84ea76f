"""What the messages of a session look like on a WebSocket."""

from collections.abc import Mapping, Sequence

from filtered_websocket.filters.engineio.packets import BINARY_MESSAGE, MESSAGE
from filtered_websocket.messages import encoding
from filtered_websocket.messages.message import Message


class Marked:
    """
    :param text: what a text begins with
    :param binary: what bytes begin with
    """

    def __init__(self, text: bytes, binary: bytes) -> None:
        self._text, self._binary = text, binary

    def encode(self, messages: Sequence[Message], channel: str | None = None) -> Sequence[Message]:
        text, bytes_ = self._text, self._binary
        return [(bytes_ + payload, True) if binary else (text + payload, False) for payload, binary in messages]


Encodings = Mapping[int, encoding.Encoding | None]
"""By the version of Engine.IO."""

PACKETS: Encodings = {4: None, 3: Marked(b"", BINARY_MESSAGE)}
"""Of packets, as Engine.IO 4 has them: what runs on the sessions writes the type of each."""

MESSAGES: Encodings = {4: Marked(MESSAGE.encode(), b""), 3: Marked(MESSAGE.encode(), BINARY_MESSAGE)}
"""Of messages: what filters send and publish."""

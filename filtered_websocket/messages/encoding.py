"""What a message looks like to one kind of client: as a packet of a protocol that some clients of a pipeline speak."""

from collections.abc import Hashable, Sequence
from typing import Protocol

from filtered_websocket.messages.message import Message


class Encoding(Hashable, Protocol):
    """One object for all clients of a kind: what is published is encoded once for each, never for each client."""

    def encode(self, messages: Sequence[Message], channel: str | None) -> Sequence[Message]:
        """Messages as these clients are to get them.

        :param channel: that they were published to; None if they were sent to one client alone
        """

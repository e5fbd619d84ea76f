"""What a session asks of what runs on it: plain filters, Socket.IO, WS-Emit."""

from collections.abc import Awaitable
from typing import Any, Protocol


class Application(Protocol):
    """What runs on a session. It sends by `Session.send`."""

    def opened(self) -> None:
        """The client is new, and has been greeted."""

    def receive(self, text: str) -> Awaitable[None] | None:
        """Handle a message of the client; an awaitable if that takes time, so that later messages wait.

        :raises Malformed: no client of the protocol sends this; it ends the session
        """

    def receive_bytes(self, data: bytes | bytearray) -> Awaitable[None] | None:
        """The same for a binary message."""

    def end(self) -> dict[str, Any]:
        """The session ends, or `Session.moves` to another. Leave everything, without a word to the client.

        :returns: what is to be known to go on with another session, in values that JSON can hold
        """

    def resume(self, state: dict[str, Any]) -> None:
        """Go on where another session ended."""

    def catch_up(self, missed: Any) -> None:
        """Do for the client what was published or ordered while its session was moving (`Takeovers.published`)."""

    def gone_on(self) -> None:
        """Another node has it: it was ended to move there."""

    def lost(self) -> None:
        """It was ended to move to another node, and has not arrived: this is its end."""

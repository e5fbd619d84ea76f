"""What runs on the sessions of the pack alone: the filters behind it, which get the message that has come."""

from typing import Any

from filtered_websocket.filters.engineio.session import Session
from filtered_websocket.messages.message import Message


class Inbox:
    """The one message of a packet, between the session that reads it and the filters behind."""

    def __init__(self, session: Session) -> None:
        self._message: Message | None = None

    def take(self) -> Message | None:
        """The message, None if the packet was none."""
        message, self._message = self._message, None
        return message

    def opened(self) -> None:
        """Filters greet."""

    def receive(self, text: str) -> None:
        self._message = text.encode(), False

    def receive_bytes(self, data: bytes | bytearray) -> None:
        self._message = bytes(data), True

    def end(self) -> dict[str, Any]:
        return {}

    def resume(self, state: dict[str, Any]) -> None:
        """The session's channels go with it."""

    def catch_up(self, missed: Any) -> None:
        """Nothing is published past the channels that a session is in."""

    def gone_on(self) -> None:
        """Filters see one connection."""

    def lost(self) -> None:
        """The session runs the disconnect chain."""

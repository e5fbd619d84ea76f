"""The message of a packet, for the filters behind the pack."""

from typing import Any, cast

from filtered_websocket.filters.engineio.inbox import Inbox


def test_a_message_is_taken_once() -> None:
    inbox = Inbox(cast(Any, None))
    assert inbox.take() is None
    inbox.receive("text")
    assert inbox.take() == (b"text", False)
    assert inbox.take() is None
    inbox.receive_bytes(bytearray(b"\1"))
    assert inbox.take() == (b"\1", True)
    assert inbox.end() == {}

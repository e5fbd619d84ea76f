"""What a pack's protocol makes of what plain filters say and hear: a filter in front of it knows nothing of it.

A pack of a protocol of its own names its `Speech` as ``SPEECH`` in its package, and calls `greeted` when a client can
be told something. Without such a pack clients are told a JSON text, and what they say is one.
"""

import json
from typing import Any

from filtered_websocket.chain.interfaces import Connection
from filtered_websocket.messages.message import came_binary
from filtered_websocket.messages.strict_json import loads

Payload = bytes | bytearray | str
"""What a message filter gets."""


class Speech:
    """That of a protocol whose clients are told nothing, and whose frames hold a JSON value each."""

    def tell(self, connection: Connection, name: str, value: dict[str, Any]) -> bool:
        """Tell a client something, as an event of this name or what is its like.

        :returns: False: it cannot be told. The protocol has no word for it, or the client is not greeted yet.
        """
        return False

    def refuse(self, connection: Connection, data: Payload, name: str, value: dict[str, Any]) -> None:
        """Tell a client that nothing comes of a frame that it has sent, and why."""
        self.tell(connection, name, value)

    def said(self, connection: Connection, data: Payload) -> list[Any]:
        """What its application says in a frame: events, with ``event``, ``channel`` and ``data`` as far as there are
        such. What is the protocol's own, a ping say, and what is malformed is the pack's to judge, and is left out.

        :raises ValueError: it is no JSON
        """
        return [_value(data)]


def tell(connection: Connection, name: str, value: dict[str, Any]) -> bool:
    """Tell a client something, in words that it understands; False: it cannot be told."""
    speech: Speech | None = connection.pipeline.speech
    if speech is not None:
        return speech.tell(connection, name, value)
    connection.sendMessage(json.dumps(value, ensure_ascii=False, separators=(",", ":")), False)
    return True


def refuse(connection: Connection, data: Payload, name: str, value: dict[str, Any]) -> None:
    """Tell a client that nothing comes of a message that it has sent, and why, as far as it can be told."""
    speech: Speech | None = connection.pipeline.speech
    if speech is None:
        connection.sendMessage(json.dumps(value), False)
    else:
        speech.refuse(connection, data, name, value)


def said(connection: Connection, data: Payload) -> list[Any]:
    """The JSON values that an application says in a message.

    :raises ValueError: what it says is none
    """
    speech: Speech | None = connection.pipeline.speech
    return [_value(data)] if speech is None else speech.said(connection, data)


def greeted(connection: Connection) -> None:
    """A client of a pack can be told something from now on; again where another connection carries it."""
    for told in tuple(connection.pipeline.greeted):
        told(connection)


def _value(data: Payload) -> Any:
    if came_binary(data):
        raise ValueError("text is wanted")
    try:
        return loads(data)
    except ValueError as error:
        raise ValueError(f"no JSON: {error}") from None

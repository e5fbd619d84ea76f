"""The filter of json_schema: what fits goes on."""

import json

from filtered_websocket.errors import Close, StopChain, printable
from filtered_websocket.filters.base import Connection, WebSocketMessageFilter
from filtered_websocket.filters.json_schema.schemas import Schemas, Wrong
from filtered_websocket.messages.message import came_binary
from filtered_websocket.messages.strict_json import loads

INVALID = 1007
"""RFC 6455, section 7.4.1: data that is not consistent with the type of the message."""
LONGEST = 200
"""Characters of a reason, which quotes the message."""


class Valid(WebSocketMessageFilter):
    @classmethod
    def filter(cls, web_socket_instance: Connection, data: bytes | bytearray | str) -> None:
        options = cls.options
        wrong = _judge(options.json_schema, data, options.json_schema_kind)
        if wrong is not None:
            _refuse(web_socket_instance, options.json_schema_invalid, *wrong)


def _judge(schemas: Schemas, data: bytes | bytearray | str, kind: str) -> Wrong | None:
    if came_binary(data):
        return "", "text is wanted"
    try:
        value = loads(data)
    except ValueError as error:
        return "", f"no JSON: {error}"
    try:
        return schemas.wrong(value, kind)
    except ValueError as error:  # nested more deeply than the library looks
        return "", str(error)


def _refuse(connection: Connection, answer: str, at: str, reason: str) -> None:
    short = printable(reason)[:LONGEST]
    connection.pipeline.server.counters.count(
        "closed" if answer == "close" else "dropped", "json_schema: invalid message"
    )
    if answer == "close":
        raise Close(INVALID, f"{at[:40]}: {short}" if at else short)
    if answer == "answer":
        told = {"error": "invalid message", "at": at[:LONGEST], "reason": short}
        connection.sendMessage(json.dumps(told), False)
    raise StopChain

"""The filter of json_schema: what fits goes on."""

from filtered_websocket.chain.speech import refuse, said
from filtered_websocket.errors import Close, StopChain, printable
from filtered_websocket.filters.base import Connection, WebSocketMessageFilter
from filtered_websocket.filters.json_schema.schemas import Schemas, Wrong

INVALID = 1007
"""RFC 6455, section 7.4.1: data that is not consistent with the type of the message."""
WORD = "invalid_message"
"""The event by which packs that have events tell it."""
LONGEST = 200
"""Characters of a reason, which quotes the message."""


class Valid(WebSocketMessageFilter):
    @classmethod
    def filter(cls, web_socket_instance: Connection, data: bytes | bytearray | str) -> None:
        options = cls.options
        wrong = _judge(web_socket_instance, options.json_schema, data, options.json_schema_kind)
        if wrong is not None:
            _refuse(web_socket_instance, data, options.json_schema_invalid, *wrong)


def _judge(connection: Connection, schemas: Schemas, data: bytes | bytearray | str, kind: str) -> Wrong | None:
    try:
        # What it raises too: nested more deeply than the library looks.
        found = (schemas.wrong(value, kind) for value in said(connection, data))
        return next((each for each in found if each is not None), None)
    except ValueError as error:
        return "", str(error)


def _refuse(connection: Connection, data: bytes | bytearray | str, answer: str, at: str, reason: str) -> None:
    short = printable(reason)[:LONGEST]
    connection.pipeline.server.counters.count(
        "closed" if answer == "close" else "dropped", "json_schema: invalid message"
    )
    if answer == "close":
        raise Close(INVALID, f"{at[:40]}: {short}" if at else short)
    if answer == "answer":
        refuse(connection, data, WORD, {"error": "invalid message", "at": at[:LONGEST], "reason": short})
    raise StopChain

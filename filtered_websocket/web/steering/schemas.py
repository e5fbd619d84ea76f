"""The values of the server's own HTTP API, as JSON Schema (2020-12) has them."""

from typing import Any

Schema = dict[str, Any]


def _object(**properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "required": [*properties], "additionalProperties": False}


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


TEXT: Schema = {"type": "string"}
MAYBE_TEXT: Schema = {"type": ["string", "null"]}
COUNT: Schema = {"type": "integer", "minimum": 0}
MAYBE_COUNT: Schema = {"type": ["integer", "null"], "minimum": 0}
AMOUNT: Schema = {"type": "number", "minimum": 0}
ASKED: dict[str, Schema] = {
    "processes": _list(TEXT) | {"description": "Those that have answered"},
    "unanswered": _list(TEXT) | {"description": "Those that have not in time: what they would say is missing"},
}
_RATES = dict.fromkeys(("bytes_in", "bytes_out", "messages_in", "messages_out"), AMOUNT)

_CONNECTION: dict[str, Schema] = {
    "id": TEXT,
    "user": MAYBE_TEXT | {"description": "`connection.user`"},
    "pipeline": TEXT | {"description": "Its first pattern; `*`: that of all other paths"},
    "process": TEXT | {"description": "Machine and process"},
    "address": TEXT,
    "path": TEXT | {"description": "Without the query"},
    "age": AMOUNT | {"description": "Seconds since it has opened"},
    "transport": {"enum": ["websocket", "stream", "polling"]},
    "waiting": COUNT | {"description": "Bytes that wait for the client to read"},
    "channels": _list(TEXT) | {"description": "The first 10; of one connection alone, 1000"},
    "channel_count": COUNT,
    "bytes_in": MAYBE_COUNT | {"description": "That have come over its TCP connection; null: the system does not tell"},
    "bytes_out": MAYBE_COUNT | {"description": "That the client's machine has confirmed"},
    "messages_in": MAYBE_COUNT | {"description": "Since it is looked at; null: it is not, there are too many"},
    "messages_out": MAYBE_COUNT,
    "counted_for": {"type": ["number", "null"], "minimum": 0, "description": "Seconds that messages are counted for"},
    "per_second": {
        "type": ["object", "null"],
        "properties": _RATES,
        "additionalProperties": False,
        "description": "Between this look and one before",
    },
}
_CHANNEL: dict[str, Schema] = {
    "name": TEXT | {"description": "As the hub has it: those of a pack have its prefix"},
    "pipeline": TEXT,
    "subscribers": COUNT | {"description": "On all processes"},
    "publications_per_second": AMOUNT,
    "bytes_per_second": AMOUNT | {"description": "Of payloads, however many subscribers get them"},
}
_POSITION = {"type": ["object", "null"], "properties": {"epoch": TEXT, "offset": COUNT}}

SCHEMAS: dict[str, Schema] = {
    "Error": _object(error=TEXT | {"description": "What is wrong, in a sentence"}),
    "Health": _object(status={"const": "ok"}),
    "Unready": _object(status={"const": "unavailable"}, reason=TEXT),
    "Publish": _object(
        channel=TEXT | {"description": "This, or `channels`"},
        channels=_list(TEXT) | {"minItems": 1, "maxItems": 100},
        data={"description": "Text is sent as it is, all else as JSON"},
        pipeline=MAYBE_TEXT | {"description": "Its first pattern, where there are several"},
    )
    | {"required": ["data"], "oneOf": [{"required": ["channel"]}, {"required": ["channels"]}]},
    "Published": _object(channels=COUNT),
    "ConnectionRow": _object(**_CONNECTION),
    "WholeConnection": _object(**_CONNECTION, origin=MAYBE_TEXT, user_agent=MAYBE_TEXT, protocol=MAYBE_TEXT),
    "Connections": _object(
        connections=_list(_ref("ConnectionRow")),
        total=COUNT | {"description": "All that the filters leave, on those that have answered"},
        next=MAYBE_TEXT | {"description": "The next page's `after`; null: there is none"},
        **ASKED,
    ),
    "Connection": _object(
        connections=_list(_ref("WholeConnection"))
        | {"minItems": 1, "description": "Several pipelines, or processes, may have one of this id"},
        **ASKED,
    ),
    "Ended": _object(ended=COUNT | {"description": "How many are being closed"}, **ASKED),
    "ChannelRow": _object(**_CHANNEL),
    "Channels": _object(
        channels=_list(_ref("ChannelRow")),
        at_least=COUNT | {"description": "How many there are, at least"},
        **ASKED,
    ),
    "WholeChannel": _object(
        **_CHANNEL,
        slow_client=TEXT | {"description": "What a client that reads too slowly loses"},
        by_process=_list(_object(process=TEXT, subscribers=COUNT, position=_POSITION)),
        first_subscribers=_list(_object(id=TEXT, user=MAYBE_TEXT, process=TEXT)),
    ),
    "Channel": _object(channels=_list(_ref("WholeChannel")) | {"minItems": 1}, **ASKED),
}

"""The options of json_schema."""

from typing import Any

from filtered_websocket.config import Option, choice, text
from filtered_websocket.errors import ConfigError
from filtered_websocket.filters.json_schema.schemas import Schemas


def _read(value: Any) -> Schemas | None:
    file = text(value)
    return Schemas(file) if file else None


SCHEMA = Option("json_schema", _read, None, "file with the JSON Schema that each message is to fit", scope="use")
KIND = Option(
    "json_schema_kind", text, "",
    "the member that says of which kind a message is; json_schema then holds an object, from kinds to their schemas",
    scope="use",
)  # fmt: skip
INVALID_IS = Option(
    "json_schema_invalid", choice("answer", "close", "drop"), "answer",
    "what becomes of others: their sender is told; is closed with 1007; nothing. All are counted", scope="use",
)  # fmt: skip
OPTIONS = (SCHEMA, KIND, INVALID_IS)


def check(options: Any) -> None:
    """
    :raises ConfigError: there is no file, or it holds no schema
    """
    if options.json_schema is None:
        raise ConfigError("json_schema: a file with a JSON Schema is wanted: --json_schema chat.schema.json")
    options.json_schema.compile(options.json_schema_kind)

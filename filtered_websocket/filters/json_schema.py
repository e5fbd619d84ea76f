"""Messages that are no JSON, or not of a schema, go no further; their sender is told what is wrong.

    fws_server -f filtered_websocket.filters.json_schema filtered_websocket.filters.broadcast_messages \\
        --json_schema chat.schema.json

The answer is a JSON text, with a JSON Pointer (RFC 6901) to what is wrong:

    {"error": "invalid message", "at": "/text", "reason": "5 is not of type \\"string\\""}

With ``json_schema_kind`` the file holds a schema for each kind of message.

jsonschema-rs does it: compiled, with patterns in linear time. Nothing is fetched, whatever a schema refers to.
"""

import json
from importlib import import_module
from typing import Any

from filtered_websocket.config import Option, choice, text
from filtered_websocket.config.parsers import read_object
from filtered_websocket.errors import Close, ConfigError, StopChain, printable
from filtered_websocket.filters.base import Connection, WebSocketMessageFilter
from filtered_websocket.messages.message import came_binary
from filtered_websocket.messages.strict_json import loads

INVALID = 1007
"""RFC 6455, section 7.4.1: data that is not consistent with the type of the message."""
LONGEST = 200
"""Characters of a reason, which quotes the message."""

EXTRA = "filtered_websocket[json-schema]"

Wrong = tuple[str, str]
"""Where, as a JSON Pointer, and what."""


class Schemas:
    """The schema that a file holds, or the schemas of several kinds of message.

    :raises ValueError: it cannot be read
    """

    def __init__(self, file: str) -> None:
        self.file = file
        try:
            self._document = read_object(file)
        except OSError as error:
            raise ValueError(f"a file with a JSON Schema is wanted ({error.strerror})") from None
        self._compiled: dict[str, dict[str, Any]] = {}

    def wrong(self, value: Any, kind: str) -> Wrong | None:
        """What is wrong with a message, None if it is valid.

        :param kind: the member that says of which kind a message is; "": there is one schema for all
        """
        validators = self._compiled.get(kind) or self.compile(kind)
        if not kind:
            return _wrong(validators[""], value)
        if not isinstance(value, dict):
            return "", "an object is wanted"
        name = value.get(kind)
        validator = validators.get(name) if isinstance(name, str) else None
        return _wrong(validator, value) if validator is not None else (_pointer([kind]), "no kind of message")

    def compile(self, kind: str) -> dict[str, Any]:
        """
        :returns: kind of message -> its validator
        :raises ConfigError: it is no schema; jsonschema-rs is not installed
        """
        schemas = self._document if kind else {"": self._document}
        self._compiled[kind] = {name: self._validator(name, schema) for name, schema in schemas.items()}
        return self._compiled[kind]

    def _validator(self, name: str, schema: Any) -> Any:
        try:
            library: Any = import_module("jsonschema_rs")
        except ImportError:
            raise ConfigError(f"json_schema needs jsonschema-rs: pip install '{EXTRA}'") from None
        try:
            return library.validator_for(schema, offline=True, pattern_options=library.RegexOptions())
        except (ValueError, TypeError) as error:
            where = f"{self.file}{f': {name}' if name else ''}"
            reason = getattr(error, "message", "") or "an object or a boolean is wanted"
            raise ConfigError(f"json_schema: {where}: no JSON Schema: {' '.join(str(reason).split())}") from None

    def __str__(self) -> str:
        return self.file


def _wrong(validator: Any, value: Any) -> Wrong | None:
    if validator.is_valid(value):
        return None
    error = next(validator.iter_errors(value))
    return _pointer(error.instance_path), error.message


def _pointer(path: list[Any]) -> str:
    """A JSON Pointer (RFC 6901, section 3)."""
    return "".join("/" + str(each).replace("~", "~0").replace("/", "~1") for each in path)


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


def CHECK(options: Any) -> None:
    if options.json_schema is None:
        raise ConfigError("json_schema: a file with a JSON Schema is wanted: --json_schema chat.schema.json")
    options.json_schema.compile(options.json_schema_kind)


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

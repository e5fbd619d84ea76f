"""Messages as JSON: short, without what is zero, and with bytes embedded as the JSON that they are."""

from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any

from filtered_websocket.filters.centrifugo.codes import INAPPROPRIATE, Disconnect
from filtered_websocket.filters.centrifugo.json_reader import embedded
from filtered_websocket.filters.centrifugo.messages import OWN
from filtered_websocket.filters.centrifugo.schema import INTEGERS, Field, fields_of
from filtered_websocket.messages.strict_json import quote

Writer = Callable[[Any], bytes]
SMALL = 1024
"""Bytes up to which what others see of clients is remembered: it goes out with all that these publish."""


def write(value: Any) -> bytes:
    """A message as a JSON text.

    :raises Disconnect: 3506, it holds what is no JSON
    """
    writer: Writer = _message(type(value))  # type: ignore[arg-type]  # a class is hashable
    return writer(value)


@cache
def _message(message: Any) -> Writer:
    parts = [
        (place, f'"{field.name}":'.encode(), _writer(field), field.always, field.kind == "message" and not field.many)
        for place, field in enumerate(fields_of(message))
    ]

    def write_message(value: Any) -> bytes:
        written = []
        for place, name, writer, always, optional in parts:
            each = value[place]
            if each or always or (optional and each is not None):
                written.append(name + writer(each))
        return b"{" + b",".join(written) + b"}"

    return write_message


def _writer(field: Field) -> Writer:
    if field.whose:
        return _own if field.whose == OWN else _others
    one: Writer = write if field.kind == "message" else _number if field.kind in INTEGERS else _WRITERS[field.kind]
    if field.many == "list":
        return lambda values: b"[" + b",".join([one(each) for each in values]) + b"]"
    if field.many == "map":
        return lambda values: b"{" + b",".join([_text(name) + b":" + one(each) for name, each in values.items()]) + b"}"
    return one


def _text(value: str) -> bytes:
    return quote(value).encode()


def _raw(value: bytes) -> bytes:
    if b"\n" in value or b"\r" in value:
        # Between the values of JSON they mean nothing; they would end a line, or one of server-sent events.
        value = value.translate(None, b"\r\n")
    return value or b"null"


def _others(value: bytes) -> bytes:
    return _small(value) if len(value) <= SMALL else embedded(value) or b"null"


@lru_cache(256)
def _small(value: bytes) -> bytes:
    return embedded(value) or b"null"


def _own(value: bytes) -> bytes:
    found = embedded(value)
    if found is None:
        raise Disconnect(INAPPROPRIATE)
    return found


def _boolean(value: bool) -> bytes:
    return b"true" if value else b"false"


def _number(value: int) -> bytes:
    return b"%d" % value


_WRITERS: dict[str, Writer] = {"string": _text, "bytes": _raw, "bool": _boolean}

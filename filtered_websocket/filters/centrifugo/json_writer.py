"""Messages as JSON: short, without what is zero, and with bytes embedded as the JSON that they are."""

from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any

from filtered_websocket.filters.centrifugo.codes import INAPPROPRIATE, Disconnect
from filtered_websocket.filters.centrifugo.json_reader import embedded
from filtered_websocket.filters.centrifugo.messages import OWN, ClientInfo
from filtered_websocket.filters.centrifugo.schema import INTEGERS, Field, fields_of
from filtered_websocket.messages.strict_json import quote

Writer = Callable[[Any], bytes]
SMALL, REMEMBERED = 1024, 256
"""Bytes up to which what others see of a client is remembered, since it goes out with all that the client publishes,
and of how many clients: each that comes is another, and takes up this room for good."""


def write(value: Any) -> bytes:
    """A message as a JSON text.

    :raises Disconnect: 3506, it holds what is no JSON
    """
    writer: Writer = _message(type(value))  # type: ignore[arg-type]  # a class is hashable
    return writer(value)


@cache
def _message(message: Any) -> Writer:
    fields = fields_of(message)
    names, writers = [f'"{field.name}":'.encode() for field in fields], [_writer(field) for field in fields]
    # What counts where it is false, too: a message that has no fields is there, and empty.
    present = [field.always or (field.message is not None and not field.message._fields) for field in fields]

    def write_message(value: Any) -> bytes:
        written = [name + writer(each) for name, writer, each in zip(names, writers, value, strict=True) if each]
        return b"{" + b",".join(written) + b"}"

    def write_present(value: Any) -> bytes:
        written = [
            name + writer(each)
            for name, writer, each, there in zip(names, writers, value, present, strict=True)
            if each or (there and each is not None)
        ]
        return b"{" + b",".join(written) + b"}"

    return write_present if any(present) else write_message


def _writer(field: Field) -> Writer:
    if field.whose:
        return _own if field.whose == OWN else _others
    if field.message is ClientInfo and not field.many:
        return _info
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
    return embedded(value) or b"null"


def _info(value: ClientInfo) -> bytes:
    is_small = len(value.user) + len(value.conn_info) + len(value.chan_info) <= SMALL
    return _remembered(value) if is_small else write(value)


@lru_cache(REMEMBERED)
def _remembered(value: ClientInfo) -> bytes:
    return write(value)


def _own(value: bytes) -> bytes:
    found = embedded(value)
    if found is None:
        raise Disconnect(INAPPROPRIATE)
    return found


_boolean = {False: b"false", True: b"true"}.__getitem__
_number = b"%d".__mod__
_WRITERS: dict[str, Writer] = {"string": _text, "bytes": _raw, "bool": _boolean}

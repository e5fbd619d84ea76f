"""Messages out of JSON. What is bytes in a message is JSON that is kept as it was written: it is found, not decoded.

So its spaces, its 20 digits and its repeated keys stay the user's.
"""

import json
import re
from collections.abc import Callable
from functools import cache
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any

from filtered_websocket.filters.centrifugo.schema import INTEGERS, Field, fields_of
from filtered_websocket.filters.centrifugo.wire import Malformed
from filtered_websocket.messages.strict_json import not_json

Reader = Callable[[str, int], tuple[Any, int]]
"""Reads the value that begins at a place in a text; gives it, and the place behind it."""

# Numbers become floats: Python reads no integer of 5,000 digits, and nobody looks at them.
scan: Reader = json.JSONDecoder(parse_constant=not_json, parse_int=float).scan_once  # type: ignore[attr-defined]
_skip = re.compile(r"[ \t\r\n]*").match
_integer = re.compile(r"-?(?:0|[1-9][0-9]{0,19})(?![0-9.eE])").match
_END = "\0"
"""Behind the end of a text, so that there is always a character to look at."""
NOT_JSON = (ValueError, StopIteration, RecursionError)


def read(message: Any, data: bytes | bytearray) -> Any:
    """The message of a class that a JSON text holds.

    :raises Malformed: it holds none
    """
    try:
        text = data.decode() + _END
        value, at = _message(message)(text, _after(text, 0))
        if _after(text, at) != len(text) - 1:
            raise Malformed("there is something behind a JSON object")
    except NOT_JSON:
        raise Malformed("it is no JSON, or not of the types of a command") from None
    return value


def embedded(data: bytes | bytearray) -> bytes | None:
    """JSON as it can be embedded in a line: without the newlines between its values. None: it is no JSON."""
    try:
        text = data.decode() + _END
        begin = _after(text, 0)
        _, end = scan(text, begin)
        if _after(text, end) != len(text) - 1:
            return None
    except NOT_JSON:
        return None
    # Within a text a newline is written as an escape.
    return text[begin:end].translate({10: None, 13: None}).encode()


def members(data: bytes, name: str) -> list[list[tuple[str, bytes]]]:
    """The objects in the list that an object has under a name: the names and values of their members, as written.

    :raises Malformed: there are none
    """

    def read_one(text: str, at: int) -> tuple[Any, int]:
        values, end = _object(text, at, lambda _: _raw)
        return list(values.items()), end

    try:
        text = data.decode() + _END
        values, at = _object(text, _after(text, 0), lambda each: _list(read_one) if each == name else None)
        if _after(text, at) != len(text) - 1:
            raise Malformed("there is something behind a JSON object")
    except NOT_JSON:
        raise Malformed(f"an object with a list of objects is wanted: {name}") from None
    return list(values.get(name, ()))


def _after(text: str, at: int) -> int:
    """Where what follows blanks begins."""
    return at if text[at] > " " else _skip(text, at).end()  # type: ignore[union-attr]  # it fits always


@cache
def _message(message: Any) -> Reader:
    readers = {field.name: _reader(field) for field in fields_of(message)}

    def read_message(text: str, at: int) -> tuple[Any, int]:
        values, end = _object(text, at, readers.get)
        return message(**values), end

    return read_message


def _object(text: str, at: int, reader_of: Callable[[str], Reader | None]) -> tuple[dict[str, Any], int]:
    """The members of an object for whose names there are readers. A null is not there, unless it is embedded."""
    values: dict[str, Any] = {}
    if text[at] != "{":
        raise ValueError("an object is wanted")
    at = _after(text, at + 1)
    if text[at] == "}":
        return values, at + 1
    while True:
        if text[at] != '"':
            raise ValueError("a name is wanted")
        name, at = scanstring(text, at + 1)
        at = _after(text, at)
        if text[at] != ":":
            raise ValueError("a colon is wanted")
        at = _after(text, at + 1)
        reader = reader_of(name)
        if reader is None:
            _, at = scan(text, at)
        elif reader is not _raw and text.startswith("null", at):
            values.pop(name, None)
            at += 4
        else:
            values[name], at = reader(text, at)
        at = _after(text, at)
        if text[at] == "}":
            return values, at + 1
        if text[at] != ",":
            raise ValueError("a comma is wanted")
        at = _after(text, at + 1)


def _list(one: Reader) -> Reader:
    def read_list(text: str, at: int) -> tuple[Any, int]:
        if text[at] != "[":
            raise ValueError("a list is wanted")
        values = []
        at = _after(text, at + 1)
        if text[at] == "]":
            return (), at + 1
        while True:
            value, at = one(text, at)
            values.append(value)
            at = _after(text, at)
            if text[at] == "]":
                return tuple(values), at + 1
            if text[at] != ",":
                raise ValueError("a comma is wanted")
            at = _after(text, at + 1)

    return read_list


def _reader(field: Field) -> Reader:
    if field.kind in INTEGERS:
        return _number(*INTEGERS[field.kind])
    if field.kind == "message":

        def one(text: str, at: int) -> tuple[Any, int]:
            # Not before it is needed: a message may hold others of its own kind.
            return _message(field.message)(text, at)

    else:
        one = {"string": _text, "bytes": _raw, "bool": _boolean}[field.kind]
    if field.many == "list":
        return _list(one)
    if field.many == "map":

        def read_map(text: str, at: int) -> tuple[Any, int]:
            values, end = _object(text, at, lambda name: one)
            return {whole(name): value for name, value in values.items()}, end

        return read_map
    return one


def _text(text: str, at: int) -> tuple[str, int]:
    if text[at] != '"':
        raise ValueError("a text is wanted")
    value, at = scanstring(text, at + 1)
    return whole(value), at


def whole(text: str) -> str:
    """A text with U+FFFD for its lone surrogates: JSON can hold them, UTF-8 and protobuf cannot. Go reads them so."""
    return text if text.isascii() else text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _raw(text: str, at: int) -> tuple[bytes, int]:
    _, end = scan(text, at)
    return text[at:end].encode(), end


def _boolean(text: str, at: int) -> tuple[bool, int]:
    for value, word in ((True, "true"), (False, "false")):
        if text.startswith(word, at):
            return value, at + len(word)
    raise ValueError("true or false is wanted")


def _number(low: int, high: int) -> Reader:
    def read_number(text: str, at: int) -> tuple[int, int]:
        found = _integer(text, at)
        if found is None or not low <= (value := int(found[0])) <= high:
            raise ValueError("an integer is wanted")
        return value, found.end()

    return read_number

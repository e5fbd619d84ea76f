"""Commands as most clients write them, read by the C of Python's own decoder: a quarter of what `json_reader` costs.

It reads nothing otherwise than that. What it does not know it leaves to it: escapes, nulls, names that come twice,
messages in messages, bytes that are kept as they were written (but those of publish), and whatever is malformed.
"""

import json
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from filtered_websocket.filters.centrifugo.json_reader import NOT_JSON, scan
from filtered_websocket.filters.centrifugo.messages import Command, PublishRequest
from filtered_websocket.filters.centrifugo.schema import INTEGERS, Field, fields_of
from filtered_websocket.filters.centrifugo.wire import Asked
from filtered_websocket.messages.strict_json import not_json

Build = Callable[[Sequence[tuple[str, Any]]], Any]
"""Makes a message of the names and values of an object; None: it is left to the other reader."""

# Objects become tuples, so that no list is taken for one, and a name that comes twice is seen.
_decode: Any = json.JSONDecoder(parse_constant=not_json, object_pairs_hook=tuple).scan_once  # type: ignore[attr-defined]
_ID = '"id": ?([1-9][0-9]{0,8})'
_BEFORE = re.compile(rf'\{{(?:{_ID}, ?)?"publish": ?\{{"channel": ?"([^"\\\x00-\x1f]+)", ?"data": ?').match
_BEHIND = re.compile(rf"\}}(?:, ?{_ID})?\}}").fullmatch
SHORT, REMEMBERED = 256, 256
"""Characters of commands, and bytes of frames, that are remembered, and how many: the clients of an application say the
same to come in. Of those that come back to a channel each moment's are others."""
_TYPES = {"string": str, "bool": bool} | dict.fromkeys(INTEGERS, int)
_MOST = INTEGERS["uint32"][1]


def usual(line: bytes | bytearray) -> Asked | None:
    """What the command of a line asks for; None: it is left to the other reader."""
    try:
        text = line.decode()
        published = _BEFORE(text)
        if published is None:
            # With a token it is one client's own.
            return (_remembered if len(text) <= SHORT and '"token"' not in text else _read)(text)
        at = published.end()
        _, end = scan(text, at)
    except NOT_JSON:
        return None
    behind = _BEHIND(text, end)
    if behind is None:
        return None
    (before, channel), after = published.groups(), behind[1]
    if (before is None) is (after is None):
        return None
    return int(before or after), "publish", PublishRequest(channel, text[at:end].encode())


def _read(text: str) -> Asked:
    """
    :raises ValueError: it is left to the other reader; so it is not remembered: it may hold what one client alone says
    """
    if "\\" in text:
        raise ValueError  # what stands for a character may stand for none: a lone surrogate
    members, end = _decode(text, 0)
    if end != len(text) or type(members) is not tuple or len(members) != 2:
        raise ValueError
    (name, said), (other, number) = members if members[0][0] != "id" else members[::-1]
    if other != "id" or type(number) is not int or not 0 < number <= _MOST or type(said) is not tuple:
        raise ValueError
    build = _BUILDS.get(name)
    message = None if build is None else build(said)
    if message is None:
        raise ValueError
    return number, name, message


_remembered = lru_cache(REMEMBERED)(_read)


def usual_frame(frame: bytes | bytearray) -> Sequence[Asked] | None:
    """What the commands of a frame ask for that is remembered as a whole; None: `usual` is to look at each line."""
    if len(frame) > SHORT or b'"publish"' in frame or b'"token"' in frame:
        return None
    try:
        return _remembered_frame(bytes(frame))
    except NOT_JSON:
        return None


@lru_cache(REMEMBERED)
def _remembered_frame(frame: bytes) -> Sequence[Asked]:
    # No `map`: what is no JSON raises StopIteration, which would end that.
    return tuple([_read(line) for line in frame.decode().split("\n")])


def _build(message: Any) -> Build:
    fields = {field.name: field for field in fields_of(message) if not field.many and field.kind in _TYPES}
    types = {name: _TYPES[field.kind] for name, field in fields.items()}

    def build(members: Sequence[tuple[str, Any]]) -> Any:
        for name, value in members:
            if type(value) is not types.get(name) or (type(value) is int and not _fits(fields[name], value)):
                return None
        values = dict(members)
        if len(values) != len(members) or ("channel" in types and not values.get("channel")):
            return None
        return message(**values)

    return build


def _fits(field: Field, value: int) -> bool:
    low, high = INTEGERS[field.kind]
    return low <= value <= high


_BUILDS = {field.name: _build(field.message) for field in fields_of(Command) if field.message is not None}

"""JSON that every client reads alike: in UTF-8, without NaN and Infinity, which are Python's own. Knows no Twisted."""

import json
from json.encoder import encode_basestring_ascii as quote  # JSON can hold lone surrogates, UTF-8 cannot
from typing import Any, NoReturn

from filtered_websocket.messages.message import utf8_size

__all__ = ["dumps", "loads", "not_json", "quote", "size"]


def not_json(constant: str) -> NoReturn:
    """What a decoder is to do with NaN and Infinity (its ``parse_constant``)."""
    raise ValueError(f"{constant} is not JSON")


# Made once: json.loads and json.dumps make theirs for each call that has options.
_decode = json.JSONDecoder(parse_constant=not_json).decode
_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode
_encode_short = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


def loads(text: str | bytes | bytearray) -> Any:
    """The value that a text holds. Raises ValueError: it is no JSON, or no UTF-8, or nested too deeply."""
    try:
        # Decoded here: json would take UTF-16 and UTF-32 too.
        return _decode(text if isinstance(text, str) else text.decode())
    except RecursionError:
        raise ValueError("nested too deeply") from None


def dumps(value: Any) -> str:
    """A value as a text. Raises ValueError for what JSON.parse of a browser would not take: 1e999, or a nesting without
    end."""
    try:
        return _encode(value)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def size(value: Any) -> int:
    """Bytes of a JSON value, in UTF-8: not with the escapes that it is passed on with."""
    return utf8_size(_encode_short(value))

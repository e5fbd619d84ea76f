"""JSON that every client reads alike: in UTF-8, without NaN and Infinity, which are Python's own. Knows no Twisted.

This is where a parser is chosen: the standard library's, and for small texts orjson where it is installed (the extra
``fast``). The standard library is the reference. What orjson would read otherwise it is not given: integers of more
than 64 bits, which it makes floats, and deep nesting; what it refuses the standard library refuses too, or reads: lone
surrogates, 1e999. It writes nothing: it has no ASCII form, makes null of NaN and texts of what is no JSON.
"""

import json
from collections.abc import Callable
from importlib import import_module
from json import encoder
from json.encoder import encode_basestring_ascii as quote  # JSON can hold lone surrogates, UTF-8 cannot
from typing import Any, NoReturn

from filtered_websocket.messages.message import utf8_size

try:
    # By its name: for mypy an import would be a second definition where orjson is not installed.
    orjson: Any = import_module("orjson")
except ImportError:
    orjson = None

__all__ = ["decoder", "dumps", "loads", "not_json", "quote", "size"]

SMALL = 4096
"""Bytes up to which a look for what orjson is not given costs less than it saves."""
MOST_BRACKETS = 200
_SPACE = " \t\n\r"
_ALIKE = bytes.maketrans(b"123456789{", b"000000000[")
_LONG = b"0" * 19


def not_json(constant: str) -> NoReturn:
    """What a decoder is to do with NaN and Infinity (its ``parse_constant``)."""
    raise ValueError(f"{constant} is not JSON")


def _not_written(value: object) -> NoReturn:
    raise TypeError(f"a {type(value).__name__} is not JSON")


def decoder(**hooks: Any) -> Callable[[str | bytes | bytearray], Any]:
    """What reads a text as `loads` does.

    :param hooks: of `json.JSONDecoder`, which is made once: json.loads makes one for each call that has options
    """
    made = json.JSONDecoder(parse_constant=not_json, **hooks)
    scan: Any = made.scan_once  # type: ignore[attr-defined]

    def decode(text: str | bytes | bytearray) -> Any:
        # Decoded here: json would take UTF-16 and UTF-32 too.
        text = text if isinstance(text, str) else text.decode()
        try:
            try:
                # Without a look for space in front, a third of the cost of what is small.
                value, end = scan(text, 0)
            except StopIteration:
                return made.decode(text)
            return value if end == len(text) or not text[end:].strip(_SPACE) else made.decode(text)
        except RecursionError:
            raise ValueError("nested too deeply") from None

    return decode


_loads = decoder()
# Made once: json.dumps makes its own for each call that has options, and JSONEncoder.encode the inner one.
_encode_short = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode
_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode
_make: Any = getattr(encoder, "c_make_encoder", None)  # CPython's
_chunks = _make and _make(None, _not_written, quote, None, ":", ",", False, False, False)


def loads(text: str | bytes | bytearray) -> Any:
    """The value that a text holds. Raises ValueError: it is no JSON, or no UTF-8, or nested too deeply."""
    if orjson is not None and len(text) <= SMALL:
        try:
            raw = text.encode() if isinstance(text, str) else text
            flat = raw.translate(_ALIKE)
            if flat.count(b"[") <= MOST_BRACKETS and (flat.count(b"0") < len(_LONG) or _LONG not in flat):
                return orjson.loads(raw)
        except ValueError:
            pass  # the reference tells
    return _loads(text)


def dumps(value: Any) -> str:
    """A value as a text of ASCII characters.

    :raises ValueError: what JSON.parse of a browser would not take: 1e999, or a nesting without end
    :raises TypeError: what is no JSON value
    """
    try:
        return "".join(_chunks(value, 0)) if _chunks else _encode(value)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def size(value: Any) -> int:
    """Bytes of a JSON value, in UTF-8: not with the escapes that it is passed on with."""
    return utf8_size(_encode_short(value))

"""What the values of options may be: functions that take text, or any JSON value, and give the value.

Each raises ValueError with a sentence that says what is wanted and does not repeat what was given, which may be a
secret. bool is an int to Python. In JSON it is not, so ``true`` is never a number here.
"""

import json
import math
import os
import re
import sys
from collections.abc import Callable
from ipaddress import ip_address
from typing import Any, NoReturn

from filtered_websocket.config import reading

KIB = 1024

MIB = 1024 * KIB

GIB = 1024 * MIB

DAY = 86400

Parser = Callable[[Any], Any]


class UnshownError(ValueError):
    """A sentence that is shown without the value, where a secret may be in it."""


def integer(low: int, high: int) -> Parser:
    def parse(value: Any) -> int:
        match = re.fullmatch(r"[ \t]*([+-]?[0-9]{1,18})[ \t]*", value) if isinstance(value, str) else None
        if match:
            value = int(match[1])
        if type(value) is not int or not low <= value <= high:
            raise ValueError(f"an integer from {low} to {high} is wanted")
        return value

    return parse


def seconds(low: float, high: float) -> Parser:
    def parse(value: Any) -> float:
        wanted = f"seconds from {low:g} to {high:g} are wanted"
        if isinstance(value, str):
            try:
                value = float(value)
            except ValueError:
                raise ValueError(wanted) from None
        # Compared before it is converted: JSON knows integers that no float can hold.
        if type(value) not in (int, float) or not low <= value <= high or not math.isfinite(value):
            raise ValueError(wanted)
        return float(value)

    return parse


def size(low: int, high: int) -> Parser:
    """Bytes, also as ``64k``, ``1M`` or ``2G``, in steps of 1024."""

    def parse(value: Any) -> int:
        match = re.fullmatch(r"\s*([0-9]{1,18})([kmg]?)\s*", value, re.I) if isinstance(value, str) else None
        if match:
            value = int(match[1]) << {"": 0, "k": 10, "m": 20, "g": 30}[match[2].lower()]
        if type(value) is not int or not low <= value <= high:
            raise ValueError(f"bytes from {low} to {high} are wanted, such as 65536, 64k or 1M")
        return value

    return parse


# Go's strconv.ParseBool too, for Philote's CHECK_ORIGIN.
BOOLEANS = {"true": True, "1": True, "yes": True, "on": True, "t": True} | {
    "false": False, "0": False, "no": False, "off": False, "f": False
}  # fmt: skip


def boolean(value: Any) -> bool:
    word = str(value).strip().lower() if isinstance(value, str | int) else ""
    if word not in BOOLEANS:
        raise ValueError("true or false is wanted")
    return BOOLEANS[word]


def text(value: Any) -> str:
    # NUL ends a path in the middle, and a lone surrogate (JSON's "\ud800") can be neither sent nor printed.
    if not isinstance(value, str) or "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise ValueError("text is wanted, in JSON between quotes")
    return value


UNIX_PATH_BYTES = 107 if sys.platform == "linux" else 103
"""What the kernel takes as a Unix socket's path."""


def unix_path(path: str) -> str:
    """The path of a Unix socket."""
    size = len(os.fsencode(path))
    if not 0 < size <= UNIX_PATH_BYTES:
        raise ValueError(f"a Unix socket's path has 1 to {UNIX_PATH_BYTES} bytes, not {size}")
    return path


def listening_address(value: Any) -> str:
    """Where to listen: an address or a name of this machine, ``unix:PATH``, or ``fd:NUMBER``; "" for all addresses."""
    host = text(value).strip()
    if host.startswith("unix:"):
        return f"unix:{unix_path(host[5:])}"
    if host.startswith("fd:"):
        if not re.fullmatch("[0-9]{1,9}", host[3:]):
            raise ValueError("fd:NUMBER is wanted, such as fd:3")
        return host
    if host == "*":
        raise ValueError("an address is wanted; leave it out for all")
    host = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if ":" in host:
        try:
            ip_address(host.partition("%")[0])
        except ValueError:
            raise ValueError("an address is wanted without a port, or unix:PATH, or fd:NUMBER") from None
    elif re.search(r"[\s/@\[\]]", host):
        raise ValueError("an address is wanted, such as 127.0.0.1, or unix:PATH, or fd:NUMBER")
    return host


def choice(*names: str) -> Parser:
    def parse(value: Any) -> str:
        if not isinstance(value, str) or value.strip() not in names:
            raise ValueError(f"one of {', '.join(names)} is wanted")
        return value.strip()

    return parse


def bearer(value: Any) -> str:
    """A secret that clients send in a header, which has no place for blanks around it or for what cannot be printed."""
    secret = text(value)
    if secret != secret.strip() or not secret.isprintable():
        raise ValueError(
            "a text is wanted without blanks or line ends around it: no client could send them in a header"
        )
    return secret


def words(value: Any) -> list[str]:
    """A list of texts; one text is split at its blanks."""
    if isinstance(value, str):
        value = value.split()
    if not isinstance(value, list | tuple):
        raise ValueError("words are wanted, in JSON a list of texts")
    try:
        return [text(word) for word in value]
    except ValueError:
        raise ValueError("words are wanted, in JSON a list of texts") from None


def json_value(wanted: type | Callable[[Any], Any]) -> Parser:
    """JSON: a text is JSON text, anything else (from the JSON file) is taken as it is.

    :param wanted: ``dict`` or ``list``, or a check that raises ValueError with a sentence and returns the value to use,
        None for the value as it is
    """

    def parse(value: Any) -> Any:
        if isinstance(value, str):
            value = loads(value)
        if not isinstance(wanted, type):
            result = wanted(value)
            return value if result is None else result
        if not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool):
            raise ValueError(f"a JSON {'object' if wanted is dict else wanted.__name__} is wanted")
        return value

    return parse


def loads(document: str) -> Any:
    """JSON as RFC 8259 has it: no NaN, and no key twice, of which Python would keep the last and not say so."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        result = dict(pairs)
        if len(result) < len(pairs):
            keys = [key for key, _ in pairs]
            twice = next(key for key in keys if keys.count(key) > 1)
            raise ValueError(f"the key {json.dumps(twice)} is there twice")
        return result

    def whole(digits: str) -> int:
        if len(digits) > 4000:  # Python's own limit is near, and its words speak of Python
            raise ValueError("JSON is wanted with shorter numbers")
        return int(digits)

    def refuse(constant: str) -> NoReturn:
        raise ValueError(f"{constant} is not JSON")

    try:
        return json.loads(document, object_pairs_hook=once, parse_int=whole, parse_constant=refuse)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise ValueError(f"JSON is wanted: {error.msg} at {where}") from None
    except RecursionError:
        raise ValueError("JSON is wanted that is not nested so deeply") from None


def read_object(path: str) -> dict[str, Any]:
    """The object in a JSON file with ``#`` comment lines. Raises ValueError, and OSError where there is no file."""
    try:
        document = reading.read(path).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError("UTF-8 is wanted") from None
    # Comments are emptied, not dropped, so that the line of a fault is the one an editor shows.
    rows = ("" if row.lstrip().startswith("#") else row for row in document.split("\n"))
    found: dict[str, Any] = json_value(dict)("\n".join(rows))
    return found

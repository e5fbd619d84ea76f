"""JSON as Engine.IO and Socket.IO have it: short, in ASCII, and without what is no JSON, such as NaN."""

import json
from typing import Any, NoReturn

from filtered_websocket.filters.engineio.packets import Malformed


def dumps(value: Any) -> str:
    """JSON of ASCII characters only: it can hold lone surrogates, UTF-8 cannot.

    :raises Malformed: what JSON cannot hold
    """
    try:
        return _encode(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise Malformed(f"not JSON: {error}") from None


def loads(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise Malformed("the payload of a packet is JSON") from None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode

"""JSON as Engine.IO and Socket.IO have it: short, in ASCII, and without what is no JSON, such as NaN."""

from typing import Any

from filtered_websocket.filters.engineio.packets import Malformed
from filtered_websocket.messages import strict_json


def dumps(value: Any) -> str:
    """JSON of ASCII characters only: it can hold lone surrogates, UTF-8 cannot.

    :raises Malformed: what JSON cannot hold
    """
    try:
        return strict_json.dumps(value)
    except (TypeError, ValueError) as error:
        raise Malformed(f"not JSON: {error}") from None


def loads(text: str | bytes | bytearray) -> Any:
    try:
        return strict_json.loads(text)
    except ValueError:
        raise Malformed("the payload of a packet is JSON") from None

"""What the answers of all forms have in common: an object of JSON, its members, and HTTP's own status."""

import base64
import binascii
from http import HTTPStatus
from typing import Any

from filtered_websocket.errors import printable
from filtered_websocket.filters.http_callback.events import Broken
from filtered_websocket.messages.strict_json import dumps, loads

REFUSALS = frozenset((400, 401, 403, 409, 410, 422, 429))
"""Statuses of HTTP that refuse the client. The others speak of the request itself, such as 404: a URL that is wrong."""
MAX_CHANNELS = 1000
LONGEST_REASON = 100
"""Characters: a close frame has room for 123 bytes."""


def object_of(body: bytes) -> dict[str, Any]:
    """
    :raises Broken: it is none
    """
    try:
        value = loads(body)
    except ValueError:
        raise Broken("no JSON") from None
    if not isinstance(value, dict):
        raise Broken("no JSON object")
    return value


def member(of: dict[str, Any], name: str, kind: type) -> Any:
    """A member, None where it is not there or null.

    :raises Broken: it is of another kind
    """
    value = of.get(name)
    if value is None:
        return None
    if not isinstance(value, kind) or isinstance(value, bool):
        raise Broken(f"its {name} is of a wrong kind")
    return value


def text_of(of: dict[str, Any], name: str) -> str | None:
    """A member that is a text of Unicode.

    :raises Broken: it is none
    """
    value: str | None = member(of, name, str)
    if value is not None:
        _encoded(value, name)
    return value


def reason_of(of: dict[str, Any], name: str, status: int) -> str:
    """One line for a client: what is said, or what its status means."""
    said = text_of(of, name)
    if not said:
        return HTTPStatus(status).phrase if status in set(HTTPStatus) else "refused"
    return printable(said)[:LONGEST_REASON]


def channels_of(value: Any, name: str) -> tuple[str, ...]:
    """
    :raises Broken: they are none
    """
    if value is None:
        return ()
    if not isinstance(value, list | dict) or not all(isinstance(each, str) and each for each in value):
        raise Broken(f"its {name} are no names")
    for each in value:
        _encoded(each, name)
    if len(value) > MAX_CHANNELS:
        raise Broken(f"it has more than {MAX_CHANNELS} {name}")
    return tuple(dict.fromkeys(value))


def json_payload(value: Any) -> bytes:
    """What a JSON value is as a message: a text as it is, others as JSON.

    :raises Broken: a text that is none of Unicode
    """
    return _encoded(value, "data") if isinstance(value, str) else dumps(value).encode()


def base64_payload(value: str) -> bytes:
    """
    :raises Broken: it is no Base64
    """
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise Broken("its data is no Base64") from None


def _encoded(value: str, name: str) -> bytes:
    try:
        return value.encode()
    except UnicodeEncodeError:
        raise Broken(f"its {name} is no text of Unicode") from None

"""Our own form: one object of JSON for each event, whose name is in it, and one for an answer to any of them."""

import base64
import json
import time
from typing import Any
from uuid import uuid4

from filtered_websocket.chain.interfaces import Connection
from filtered_websocket.filters.http_callback.events import (
    DISCONNECT,
    HANDSHAKE,
    MESSAGE,
    Answer,
    Broken,
    Question,
)
from filtered_websocket.filters.http_callback.reading import (
    REFUSALS,
    base64_payload,
    channels_of,
    json_payload,
    member,
    object_of,
    reason_of,
    text_of,
)

WORDS = {event: event for event in (HANDSHAKE, MESSAGE, DISCONNECT)}


def question(event: str, connection: Connection, data: bytes, binary: bool, channel: str) -> Question:
    """
    :param data: of a message
    :param channel: means nothing here
    """
    request, ident = connection.request, uuid4().hex
    asked: dict[str, Any] = {
        "event": event,
        "id": ident,
        "time": round(time.time(), 3),
        "pipeline": connection.pipeline.name or "*",
        "connection": connection.id,
        "user": connection.user,
        "peer": request.peer,
        "path": request.path,
        "query": request.uri.partition("?")[2],
    }
    if event == HANDSHAKE:
        asked |= {"origin": request.origin, "host": request.host}
    elif event == MESSAGE:
        asked["binary"] = binary
        asked["data"] = base64.b64encode(data).decode() if binary else data.decode()
    else:
        asked |= {"code": connection.close_code, "reason": connection.close_reason}
    return Question(event, event, ident, json.dumps(asked, separators=(",", ":")).encode(), binary)


def read(asked: Question, status: int, body: bytes) -> Answer:
    """
    :raises Broken: it is no answer
    """
    if status == 204:
        return Answer(204)
    is_no = status in REFUSALS
    if not is_no and not 200 <= status < 300:
        raise Broken(f"status {status}")
    try:
        said = object_of(body)
        stated = member(said, "status", int)
    except Broken:
        if not is_no:
            raise
        said, stated = {}, None  # a page of the backend's framework
    if stated is None or (is_no and stated < 400):
        stated = status
    if not (200 <= stated < 300 or 400 <= stated < 600):
        raise Broken("its status is none of 200 to 299 and 400 to 599")
    value = said.get("data")
    payload = None
    binary = asked.binary and stated < 400
    if value is not None:
        payload = base64_payload(member(said, "data", str)) if binary else json_payload(value)
    return Answer(
        stated,
        text_of(said, "user") or None,
        payload,
        binary,
        value,
        channels_of(said.get("channels"), "channels"),
        reason_of(said, "reason", stated),
    )

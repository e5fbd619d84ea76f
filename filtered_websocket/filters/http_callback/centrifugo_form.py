"""The form of Centrifugo's HTTP proxies (v5, v6): connect for a handshake, publish for a message.

-> {"client","transport":"websocket","protocol":"json","encoding":"json"}
-> {...,"user","channel","data": JSON}, or "encoding":"binary","b64data" for what is no JSON
<- {"result":{"user","data" or "b64data","channels","subs"}} or {"error":{"code","message"}}
   or {"disconnect":{"code","reason"}}
"""

import base64
from uuid import uuid4

from filtered_websocket.chain.interfaces import Connection
from filtered_websocket.filters.http_callback.events import HANDSHAKE, MESSAGE, Answer, Broken, Question
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
from filtered_websocket.messages.strict_json import dumps, loads

WORDS = {HANDSHAKE: "connect", MESSAGE: "publish"}
STATUSES = {101: 401, 102: 404, 103: 403, 107: 400, 109: 401, 110: 401, 111: 429}
"""Centrifugo's own error codes, as HTTP has them."""


def question(event: str, connection: Connection, data: bytes, binary: bool, channel: str) -> Question:
    """
    :param data: of a message; what is JSON stays as it is written
    :param channel: that it is published to
    """
    is_json = not binary and _is_json(data)
    asked = {"client": connection.id, "transport": "websocket", "protocol": "json"}
    asked["encoding"] = "json" if event == HANDSHAKE or is_json else "binary"
    body = b""
    if event == MESSAGE:
        asked |= {"user": connection.user or "", "channel": channel}
        encoded = data if is_json else b'"' + base64.b64encode(data) + b'"'
        body = b',"data":' + encoded if is_json else b',"b64data":' + encoded
    return Question(event, WORDS[event], uuid4().hex, dumps(asked).encode()[:-1] + body + b"}", binary)


def read(asked: Question, status: int, body: bytes) -> Answer:
    """
    :raises Broken: it is no answer
    """
    if status in REFUSALS:
        return Answer(status, reason=reason_of({}, "", status))
    if status != 200:
        raise Broken(f"status {status}")
    said = object_of(body)
    if (disconnect := member(said, "disconnect", dict)) is not None:
        code, reason = member(disconnect, "code", int), text_of(disconnect, "reason") or ""
        if code is None or not 3000 <= code < 5000:
            raise Broken("its code to disconnect with is none of 3000 to 4999")
        return Answer(403, reason=reason_of(disconnect, "reason", 403), close=(code, reason))
    if (error := member(said, "error", dict)) is not None:
        code = member(error, "code", int) or 0
        status = code if 400 <= code < 600 else STATUSES.get(code, 500 if code == 100 else 403)
        return Answer(status, reason=reason_of(error, "message", status))
    result = member(said, "result", dict)
    if result is None:
        if asked.event == HANDSHAKE:
            # Centrifugo does not let in a client of which its backend says nothing, either.
            return Answer(401, reason=reason_of({}, "", 401))
        result = {}
    encoded, value = member(result, "b64data", str), result.get("data")
    payload = None
    if encoded:
        payload = base64_payload(encoded)
    elif value is not None:
        payload = dumps(value).encode() if asked.event == MESSAGE else json_payload(value)
    channels = (*channels_of(result.get("channels"), "channels"), *channels_of(result.get("subs"), "subs"))
    is_binary = asked.binary if asked.event == MESSAGE else bool(encoded)
    return Answer(200, text_of(result, "user") or None, payload, is_binary, value, tuple(dict.fromkeys(channels)))


def _is_json(data: bytes) -> bool:
    try:
        loads(data)
    except ValueError:
        return False
    return True

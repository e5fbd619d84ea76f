"""Emits to Socket.IO clients by Redis, as programs do: python socketio_emit.py manager|flask URL.

Each line that it reads is a call, in JSON: ``[method, {keywords}]``. In it ``{"bytes": [...]}`` stands for bytes and
``{"tuple": [...]}`` for a tuple.
"""

import json
import sys
from typing import Any


def from_json(value: dict[str, Any]) -> Any:
    if "bytes" in value:
        return bytes(value["bytes"])
    return tuple(value["tuple"]) if "tuple" in value else value


kind, url = sys.argv[1:]
if kind == "flask":
    import flask_socketio

    manager = flask_socketio.SocketIO(message_queue=url)
else:
    import socketio

    manager = socketio.RedisManager(url, channel="flask-socketio", write_only=True)
for line in sys.stdin:
    method, keywords = json.loads(line, object_hook=from_json)
    if kind == "flask":
        manager.emit(keywords.pop("event"), *([keywords.pop("data")] if "data" in keywords else []), **keywords)
    else:
        getattr(manager, method)(**keywords)
    print("done", flush=True)

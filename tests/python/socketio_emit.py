"""Emits to Socket.IO clients by Redis, as programs do: python socketio_emit.py manager|default|async|flask URL.

``manager`` emits on the channel of Flask-SocketIO, ``default`` and ``async`` on python-socketio's own.

Each line that it reads is a call, in JSON: ``[method, {keywords}]``. In it ``{"bytes": [...]}`` stands for bytes and
``{"tuple": [...]}`` for a tuple. When it is done, it says so.
"""

import asyncio
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

    kinds = {"async": socketio.AsyncRedisManager, "default": socketio.RedisManager, "manager": socketio.RedisManager}
    manager = kinds[kind](url, write_only=True, **({"channel": "flask-socketio"} if kind == "manager" else {}))
loop = asyncio.new_event_loop()
for line in sys.stdin:
    method, keywords = json.loads(line, object_hook=from_json)
    if kind == "flask":
        manager.emit(keywords.pop("event"), *([keywords.pop("data")] if "data" in keywords else []), **keywords)
    elif kind == "async":
        loop.run_until_complete(getattr(manager, method)(**keywords))
    else:
        getattr(manager, method)(**keywords)
    print('{"is": "done"}', flush=True)

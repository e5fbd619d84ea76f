"""Emits numbers to Socket.IO clients by Redis, without end: python socketio_load.py manager|flask URL.

The event's name is the kind. Each number is printed when it is on its way; the end of standard input ends it.
"""

import select
import sys
from typing import Any

kind, url = sys.argv[1:]
manager: Any
if kind == "flask":
    import flask_socketio

    manager = flask_socketio.SocketIO(message_queue=url)
else:
    import socketio

    manager = socketio.RedisManager(url, channel="flask-socketio", write_only=True)
number = 0
while not select.select([sys.stdin], [], [], 0.005)[0]:
    number += 1
    manager.emit(kind, number)
    print(number, flush=True)

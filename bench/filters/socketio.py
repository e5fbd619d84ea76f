"""What the generator's clients of Socket.IO ask for beside joining: ["m", room, payload] goes to a room."""

import json

from filtered_websocket.errors import StopChain
from filtered_websocket.filters.base import WebSocketMessageFilter
from filtered_websocket.filters.ws_emit.emit import emit


class Relay(WebSocketMessageFilter):
    @classmethod
    def filter(cls, connection, data):
        if data.startswith(b'42["m",'):
            _, room, payload = json.loads(data[2:])
            emit(connection.pipeline, "m", payload, room=room)
            raise StopChain

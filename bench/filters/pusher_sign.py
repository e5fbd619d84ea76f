"""Signs what the generator's clients subscribe to: they cannot, and client events want private channels."""

import json

from filtered_websocket.filters.base import WebSocketMessageFilter
from filtered_websocket.filters.shared.signatures import sign

KEY, SECRET = "bench", "secret"


class Sign(WebSocketMessageFilter):
    @classmethod
    def filter(cls, web_socket_instance, data):
        if data.startswith(b'{"event":"pusher:subscribe"'):
            packet = json.loads(data)
            message = f"{web_socket_instance.id}:{packet['data']['channel']}"
            packet["data"]["auth"] = f"{KEY}:{sign(SECRET, message)}"
            return json.dumps(packet).encode()
        return None

"""A handshake filter: a client that does not know the password gets 401 and no connection.

FWS_PASSWORD=sesame fws_server -f door filtered_websocket.filters.broadcast_messages

The password travels as ``Authorization: Bearer sesame``; browsers cannot set that header, so their pages offer it as
the second of two subprotocols: ``new WebSocket(url, ["door", "sesame"])``.
"""

import hmac

from filtered_websocket import Connection, Request
from filtered_websocket.config import Option, text
from filtered_websocket.errors import Reject
from filtered_websocket.filters.base import WebSocketHandshakeFilter

PASSWORD = Option("password", text, None, "what clients must know", secret=True, required=True, scope="pipeline")
OPTIONS = (PASSWORD,)  # shows in fws_server -h; also --password, and "password" in the JSON file


class Door(WebSocketHandshakeFilter):
    @classmethod
    def filter(cls, web_socket_instance: Connection, data: Request) -> None:
        kind, _, given = data.headers.get("authorization", "").partition(" ")
        by_header = kind.lower() == "bearer"
        offered = data.protocols
        by_protocol = len(offered) == 2 and offered[0] == "door"
        if by_protocol and not by_header:
            given = offered[1]
        # In constant time: how long a refusal takes must not tell how much of a guess was right.
        right = hmac.compare_digest(given.encode(), web_socket_instance.pipeline.options.password.encode())
        if not (by_header or by_protocol) or not right:
            raise Reject(401, "Unauthorized", (("WWW-Authenticate", "Bearer"),))
        if by_protocol:
            web_socket_instance.accept("door")  # a browser wants to hear one of the protocols it offered

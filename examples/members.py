"""A chat of members: a client without a good token stays outside, and each message says whose it is.

export FWS_JWT_SECRET=$(openssl rand -hex 32)
fws_server -f filtered_websocket.filters.jwt_auth members filtered_websocket.filters.broadcast_messages

A token is made where members log in, here by PyJWT:

python -c 'import jwt, os; print(jwt.encode({"sub": "ann"}, os.environ["FWS_JWT_SECRET"]))'
"""

from filtered_websocket import Connection
from filtered_websocket.filters.base import WebSocketMessageFilter


class SayWhose(WebSocketMessageFilter):
    @classmethod
    def filter(cls, web_socket_instance: Connection, data: bytearray) -> bytes:
        return f"{web_socket_instance.user}: {data.decode()}".encode()

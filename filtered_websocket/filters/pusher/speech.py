"""What filters in front of the pack say to its clients, and hear of them (`chain.speech`).

<- {"event":"presence","data":"{...}"}     pusher.bind("presence", (data) => ...)
"""

from typing import Any

from filtered_websocket.chain.interfaces import Connection
from filtered_websocket.chain.speech import Payload, Speech
from filtered_websocket.filters.pusher import wire
from filtered_websocket.filters.pusher.session import Session


class PusherSpeech(Speech):
    def tell(self, connection: Connection, name: str, value: dict[str, Any]) -> bool:
        # What comes before the greeting ends a client of pusher-js.
        if Session.of(connection) is None:
            return False
        connection.sendMessage(wire.event_for_one(name, wire.dumps(value)), False)
        return True

    def said(self, connection: Connection, data: Payload) -> list[Any]:
        packets = super().said(connection, data)
        return [each for each in packets if isinstance(each, dict) and str(each.get("event")).startswith("client-")]

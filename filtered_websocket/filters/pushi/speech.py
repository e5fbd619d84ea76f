"""What filters in front of the pack say to its clients, and hear of them (`chain.speech`).

<- {"event":"presence","channel":"presence","data":"{...}"}     pushi-js fails on a packet without a channel
"""

from typing import Any

from filtered_websocket.chain.interfaces import Connection
from filtered_websocket.chain.speech import Payload, Speech
from filtered_websocket.filters.pushi import wire
from filtered_websocket.filters.pushi.session import Session

OWN = ("pusher:", "pusher_internal:")


class PushiSpeech(Speech):
    def tell(self, connection: Connection, name: str, value: dict[str, Any]) -> bool:
        session = Session.of(connection)
        if session is None or not session.is_greeted:
            return False
        connection.sendMessage(wire.internal(name, name, wire.dumps(value)), False)
        return True

    def said(self, connection: Connection, data: Payload) -> list[Any]:
        packets = super().said(connection, data)
        return [each for each in packets if isinstance(each, dict) and not str(each.get("event")).startswith(OWN)]

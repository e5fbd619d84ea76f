"""What filters in front of the pack hear of its clients, which it has no word to tell anything (`chain.speech`)."""

from typing import Any

from filtered_websocket.chain.interfaces import Connection
from filtered_websocket.chain.speech import Payload, Speech
from filtered_websocket.filters.wsps.wire import PUBLISH


class WSPSSpeech(Speech):
    def said(self, connection: Connection, data: Payload) -> list[Any]:
        packets = super().said(connection, data)
        return [each for each in packets if isinstance(each, dict) and each.get("type") == PUBLISH]

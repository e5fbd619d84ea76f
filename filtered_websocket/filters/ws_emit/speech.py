"""What filters in front of the pack say to its clients, and hear of them (`chain.speech`): as with Socket.IO."""

from typing import Any

from filtered_websocket.filters.socketio.speech import PacketSpeech
from filtered_websocket.messages.message import Message


class WSEmitSpeech(PacketSpeech):
    def send(self, application: Any, messages: tuple[Message, ...]) -> bool:
        if not application.is_connected:
            return False
        application.send(*messages)
        return True

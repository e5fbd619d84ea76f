"""What the sockets of a client ask for, done where its session is."""

from collections.abc import Sequence

from filtered_websocket.chain.interfaces import Connection
from filtered_websocket.filters.socketio import packets
from filtered_websocket.filters.socketio.moving import Moving
from filtered_websocket.filters.socketio.socket import Socket
from filtered_websocket.messages.message import Message


class Reaching(Moving):
    """The part of a client that is reached through its sockets."""

    __slots__ = ()

    @property
    def connection(self) -> Connection:
        return self.session.connection

    @property
    def is_busy(self) -> bool:
        return self.session.waits > 0

    def enter(self, channel: str) -> None:
        if not self._is_away:
            self.pack.pipeline.hub.join(channel, self.session.subscriber)

    def exit(self, channel: str) -> None:
        if not self._is_away:
            self.pack.pipeline.hub.leave(channel, self.session.subscriber)

    def send(self, namespace: str, id: str, messages: Sequence[Message]) -> None:
        if not self._is_away:
            self.session.send(*messages)
        elif self.pack.cluster.is_shared:
            self.pack.send_after(namespace, id, messages)
        else:
            self._held += messages

    def disconnect(self, socket: Socket, close: bool) -> None:
        if close:
            for each in tuple(self.sockets.values()):
                self._leave(each, "server namespace disconnect")
            self.session.close()
        elif not socket.ended:
            self.session.send(packets.disconnected(socket.namespace))
            self._leave(socket, "server namespace disconnect")

    def _leave(self, socket: Socket, reason: str) -> None:
        """It leaves a namespace, without a word to the client."""
        raise NotImplementedError

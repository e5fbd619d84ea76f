"""What the sockets of a client ask for, done where its session is: a filter that waits goes on where it began."""

from collections.abc import Sequence
from typing import Any

from filtered_websocket.chain.interfaces import Connection
from filtered_websocket.filters.socketio import packets
from filtered_websocket.filters.socketio.audience import Audience, channel
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

    def join(self, socket: Socket, room: str) -> None:
        if not self._is_away:
            self.enter(channel(socket.namespace, room))
        else:
            self._order("join", socket, rooms=[room])

    def leave(self, socket: Socket, room: str) -> None:
        if not self._is_away:
            self.exit(channel(socket.namespace, room))
        else:
            self._order("leave", socket, rooms=[room])

    def disconnect(self, socket: Socket, close: bool) -> None:
        if self._is_away:
            self._order("disconnect", socket, close=close)
        elif close:
            for each in tuple(self.sockets.values()):
                self._put_out(each)
            self.session.close()
        else:
            self._put_out(socket)

    def _put_out(self, socket: Socket) -> None:
        if not socket.ended:
            self.session.send(packets.disconnected(socket.namespace))
            self._leave(socket, "server namespace disconnect")

    def _order(self, what: str, socket: Socket, **values: Any) -> None:
        """A filter that waits has gone on here, and its client elsewhere: its node does it."""
        if self.pack.cluster.is_shared:
            self.pack.cluster.tell_all(what, audience=Audience(socket.namespace, (socket.id,)), **values)

    @property
    def _is_gone(self) -> bool:
        return self.session.ended and not self._is_away

    def _close(self, code: int, reason: str) -> None:
        if not self._is_away:
            self.session.close(code, reason)
        elif socket := next((each for each in self.sockets.values() if each.connected), None):
            self.disconnect(socket, True)

    def _leave(self, socket: Socket, reason: str) -> None:
        """It leaves a namespace, without a word to the client."""
        raise NotImplementedError

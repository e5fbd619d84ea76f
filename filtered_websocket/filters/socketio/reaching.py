"""What the sockets of a client ask for, done where its session is: a filter that waits goes on where it began."""

from collections.abc import Sequence

from filtered_websocket.chain.interfaces import Connection
from filtered_websocket.filters.socketio import packets
from filtered_websocket.filters.socketio.audience import Audience, channel
from filtered_websocket.filters.socketio.moving import Moving
from filtered_websocket.filters.socketio.recovery import kinds
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
        if self._is_away:
            return
        if self.pack.recovery is None:
            self.pack.pipeline.hub.join(channel, self.session.subscriber)
        else:
            kinds.enter(self.pack.pipeline.hub, channel, self.session.subscriber, self.knows)

    def exit(self, channel: str) -> None:
        if self._is_away:
            return
        if self.pack.recovery is None:
            self.pack.pipeline.hub.leave(channel, self.session.subscriber)
        else:
            kinds.leave(self.pack.pipeline.hub, channel, self.session.subscriber, self.knows)

    @property
    def knows(self) -> bool:
        """Whether it gets offsets."""
        recovery, session = self.pack.recovery, self.session
        return recovery is not None and recovery.knows(session.connection.request.params, session.protocol)

    def send(self, namespace: str, id: str, messages: Sequence[Message]) -> None:
        if not self._is_away:
            self.session.send(*messages)
        elif self.pack.cluster.is_shared:
            self.pack.send_after(namespace, id, messages)
        else:
            self._held += messages

    def join(self, socket: Socket, room: str) -> None:
        name = channel(socket.namespace, room)
        if self._is_away:
            if self.pack.cluster.is_shared:
                self.pack.change(_alone(socket), entered=(room,))
        elif socket.standing is not None:
            self.enter(name)
            socket.standing.enter(name)
        elif self.pack.recovery is None:
            self.enter(name)

    def leave(self, socket: Socket, room: str) -> None:
        name = channel(socket.namespace, room)
        if self._is_away:
            if self.pack.cluster.is_shared:
                self.pack.change(_alone(socket), left=(room,))
        elif socket.standing is not None:
            self.exit(name)
            socket.standing.leave(name)
        elif self.pack.recovery is None:
            self.exit(name)

    def disconnect(self, socket: Socket, close: bool) -> None:
        if self._is_away:
            if self.pack.cluster.is_shared:
                self.pack.put_out(_alone(socket), close)
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


def _alone(socket: Socket) -> Audience:
    """A filter that waits has gone on here, and its client elsewhere: its node does what is to be done."""
    return Audience(socket.namespace, (socket.id,))

"""What managers of python-socketio and Flask-SocketIO want, done for the clients of this node.

    bus (emit, close_room, disconnect, enter_room, leave_room) -> the clients here that are meant
    acknowledgement of a client -> bus (callback)              -> the manager that asked for it

Every node hears the same, and does it for its own clients.
"""

from functools import partial
from typing import Any, Protocol

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from filtered_websocket.errors import NotAllowed
from filtered_websocket.filters.engineio.packets import Malformed
from filtered_websocket.filters.socketio import bus, logged
from filtered_websocket.filters.socketio.acknowledgements import NoAnswer
from filtered_websocket.filters.socketio.asking import ask
from filtered_websocket.filters.socketio.audience import Audience, is_name
from filtered_websocket.filters.socketio.bus import Callback, ChangeRoom, CloseRoom, Disconnect, Emit, Order
from filtered_websocket.filters.socketio.interfaces import Pack
from filtered_websocket.filters.socketio.operator import event_packet
from filtered_websocket.filters.socketio.options import ADDRESSING
from filtered_websocket.filters.socketio.packets import Encoded
from filtered_websocket.filters.socketio.socket import Socket
from filtered_websocket.messages.message import Message

CALLBACK_SECONDS = 3600.0
"""How long a client may take to acknowledge: a manager's callback knows no end, what is kept for it here does."""


class PackOfManagers(Pack, Protocol):
    """What the pack keeps for one pipeline, as managers know it."""

    def sockets(self, audience: Audience) -> list[Socket]: ...
    def deliver(self, audience: Audience, messages: tuple[Message, ...], volatile: bool = False) -> None: ...


class Managers:
    """The programs on the bus that emit to the clients of one pipeline."""

    def __init__(self, pack: PackOfManagers) -> None:
        self._pack = pack
        self._listened = set[str]()

    @property
    def heard(self) -> list[str]:
        """The channels that the option names now."""
        channels: list[str] = self._pack.pipeline.options.socketio_manager_channels
        return channels

    def listen(self) -> list[Deferred[Any]]:
        """Listen to new ones. What is no longer named may be heard for another pipeline: it is passed over."""
        new = [channel for channel in self.heard if channel not in self._listened]
        self._listened.update(new)
        return [*map(self._pack.pipeline.storage_object.listen, new)]

    def consume(self, channel: str, data: bytes) -> None:
        """Do what a program says. What cannot be read is counted; the next is none the worse for it."""
        pipeline, recovery = self._pack.pipeline, self._pack.recovery
        item = None
        try:
            message = bus.read(data, pipeline.options.socketio_pickle)
            if recovery is not None and bus.is_logged(message, "socketio"):
                return
            order = bus.order_of(message, partial(ADDRESSING.is_for, pipeline))
            if order is None or not is_name(order.namespace):
                pass
            elif recovery is None or (isinstance(order, Emit) and order.callback is not None):
                self._carry_out(order, channel)
            else:
                item = logged.item_of(order)
        except ValueError as error:
            pipeline.server.counters.count("dropped", "socketio: unreadable on the bus", str(error))
        if recovery is not None:
            recovery.said(channel, item)

    def _carry_out(self, order: Order, channel: str) -> None:
        if isinstance(order, Emit):
            self._emit(order, channel)
        elif isinstance(order, CloseRoom):
            for socket in self._pack.sockets(Audience(order.namespace, (order.room,))):
                socket.leave(order.room)
        else:
            for socket in self._pack.sockets(Audience(order.namespace, (order.sid,))):
                if socket.id == order.sid:  # others may be in a room of this name
                    _change(socket, order)

    def _emit(self, emit: Emit, channel: str) -> None:
        packet = event_packet(emit.namespace, emit.event, emit.arguments)
        if emit.rooms == ():
            return
        audience = Audience(emit.namespace, emit.rooms or (), emit.skip)
        if emit.callback is not None:
            asked = self._ask(audience, packet, emit.callback, channel)
            audience = audience._replace(excepted=(*audience.excepted, *asked))
        self._pack.deliver(audience, packet.messages())

    def _ask(self, audience: Audience, packet: Encoded, callback: Callback, channel: str) -> list[str]:
        """Send to the clients here, and have their acknowledgements go to the manager.

        :returns: the ids of those; one that owes too many is to get the event without being asked
        """
        asked = ask(self._pack, self._pack.sockets(audience), packet, CALLBACK_SECONDS)
        for answer in asked.values():
            answer.addCallbacks(self._acknowledged, _not_acknowledged, callbackArgs=(callback, channel))
        return [*asked]

    def _acknowledged(self, arguments: list[Any], callback: Callback, channel: str) -> None:
        pipeline = self._pack.pipeline
        try:
            data = bus.encode_acknowledgement(callback, arguments)
        except Malformed as error:
            pipeline.server.counters.count("dropped", "socketio: an acknowledgement for a manager", str(error))
        else:
            pipeline.server.counters.watch(pipeline.storage_object.publish(channel, data), "socketio")


def _change(socket: Socket, order: Disconnect | ChangeRoom) -> None:
    if isinstance(order, Disconnect):
        socket.disconnect()
    elif order.enters:
        try:
            socket.join(order.room)
        except NotAllowed:
            pass  # it is counted
    else:
        socket.leave(order.room)


def _not_acknowledged(failure: Failure) -> None:
    """The client has gone, or does not answer: a manager hears as little of that from its own kind."""
    failure.trap(NoAnswer)

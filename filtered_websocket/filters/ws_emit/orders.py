"""What programs on the bus want, done for the clients of this node."""

from filtered_websocket.chain.interfaces import Pipeline
from filtered_websocket.filters.engineio.handover import Missed
from filtered_websocket.filters.socketio import packets
from filtered_websocket.filters.socketio.bus import CloseRoom, Disconnect, Emit, Order
from filtered_websocket.filters.ws_emit.member import EVERYBODY
from filtered_websocket.filters.ws_emit.state import State


def carry_out(pipeline: Pipeline, order: Order) -> None:
    """Do what a program on the bus wants.

    :raises Malformed: an event that JSON cannot hold
    """
    if order.namespace != "/":
        return  # nobody is connected to any other
    state = State.of(pipeline)
    sockets = state.namespace.sockets
    if isinstance(order, Emit):
        _emit(state, order)
    elif isinstance(order, CloseRoom):
        for subscriber in tuple(pipeline.hub.subscribers(order.room)):
            if subscriber.id in sockets:
                sockets[subscriber.id].leave(order.room)
    else:
        socket = sockets.get(order.sid)
        if socket is None:
            return
        if isinstance(order, Disconnect):
            socket.put_out()
        elif order.enters:
            socket.join(order.room)
        else:
            socket.leave(order.room)


def _emit(state: State, emit: Emit) -> None:
    messages = packets.event(emit.event, emit.arguments)
    hub, exclude = state.pipeline.hub, emit.skip and frozenset(emit.skip)
    rooms = (EVERYBODY,) if emit.rooms is None else emit.rooms
    for room in rooms:
        hub.publish(room, messages, exclude)
        if len(rooms) > 1:
            # A client that is in several of the rooms gets one copy.
            exclude = frozenset(exclude).union([each.id for each in hub.subscribers(room)])
    state.engine.nodes.takeovers.published(Missed(rooms, messages, emit.skip))

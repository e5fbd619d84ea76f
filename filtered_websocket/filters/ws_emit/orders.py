"""Rooms: channels of this node's hub. What is emitted comes by the bus to every node, so rooms need no storage."""

from typing import Any

from filtered_websocket.filters.ws_emit.bus import CloseRoom, Disconnect, Emit, Order
from filtered_websocket.filters.ws_emit.socketio import packets

EVERYBODY = "\0everybody"
"""The channel of all clients; no client may enter a room of this name."""


def enter(session: Any, room: str) -> None:
    """Have a client in a room; one too many, or one whose name is too long, is counted and not entered."""
    options = session.pipeline.options
    if room == EVERYBODY or room in session.rooms:
        return
    if len(room) > options.max_channel_name or len(session.rooms) >= options.max_channels:
        session.pipeline.server.counters.count("refused", "ws_emit: too many rooms, or too long a name")
        return
    put(session, room)


def leave(session: Any, room: str) -> None:
    """Have a client out of a room; among all it stays, whatever it asks for."""
    if room != EVERYBODY and room in session.rooms:
        take(session, room)


def put(session: Any, name: str) -> None:
    """Into a channel of the hub."""
    session.rooms.add(name)
    session.pipeline.hub.join(name, session.subscriber)


def take(session: Any, name: str) -> None:
    """Out of a channel of the hub."""
    session.rooms.discard(name)
    session.pipeline.hub.leave(name, session.subscriber)


def carry_out(pipeline: Any, order: Order) -> None:
    """Do what a program on the bus wants, for the clients of this node.

    :raises engine_packets.Malformed: an event that JSON cannot hold
    """
    clients = pipeline.ws_emit.clients
    if order.namespace != "/":
        return  # nobody is connected to any other
    if isinstance(order, Emit):
        _emit(pipeline, order)
    elif isinstance(order, CloseRoom):
        for subscriber in tuple(pipeline.hub.subscribers(order.room)):
            if subscriber.id in clients:
                leave(clients[subscriber.id], order.room)
    else:
        session = clients.get(order.sid)
        if session is None:
            return
        if isinstance(order, Disconnect):
            session.send((b"41", False))
            session.disconnect()
        else:
            (enter if order.enters else leave)(session, order.room)


def _emit(pipeline: Any, emit: Emit) -> None:
    messages = packets.event(emit.event, emit.arguments)
    hub, exclude = pipeline.hub, set(emit.skip)
    names = (EVERYBODY,) if emit.rooms is None else emit.rooms
    for name in names:
        hub.publish(name, messages, frozenset(exclude))
        if len(names) > 1:
            exclude.update(each.id for each in hub.subscribers(name))
    pipeline.ws_emit.nodes.emitted(emit, messages)

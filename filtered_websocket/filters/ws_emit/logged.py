"""Orders of programs as they stand in the log of recovery, and what stands there, done for the clients of this node."""

from filtered_websocket.chain.channels import Hub
from filtered_websocket.filters.socketio import packets
from filtered_websocket.filters.socketio.bus import ChangeRoom, CloseRoom, Emit, Order
from filtered_websocket.filters.socketio.recovery import items
from filtered_websocket.filters.socketio.recovery.kinds import BothKinds
from filtered_websocket.filters.socketio.recovery.window import Entry
from filtered_websocket.filters.ws_emit.member import EVERYBODY
from filtered_websocket.filters.ws_emit.namespace import Namespace


def item_of(order: Order) -> items.Item | None:
    """An order as it stands in the log; None for what is for nobody.

    :raises Malformed: an event that JSON cannot hold
    """
    if order.namespace != "/":
        return None
    if isinstance(order, Emit):
        rooms = (EVERYBODY,) if order.rooms is None else order.rooms
        return items.Emit(rooms, order.skip, packets.event(order.event, order.arguments)) if rooms else None
    if isinstance(order, CloseRoom):
        return items.Change((order.room,), (), "", (), (order.room,))
    if isinstance(order, ChangeRoom):
        entered, left = ((order.room,), ()) if order.enters else ((), (order.room,))
        return items.Change((order.sid,), (), order.sid, entered, left)
    return items.Disconnect((order.sid,), (), order.sid, False)


def carry_out(hub: Hub, namespace: Namespace, entry: Entry) -> None:
    """Do what stands in the log."""
    item, both = entry.item, BothKinds(hub)
    if isinstance(item, items.Emit):
        both.emit(item, entry.messages)
        return
    if isinstance(item, items.Mark):
        return  # which is for `foreign`
    if item.sid:
        found = [namespace.sockets.get(item.sid)]
    else:
        found = [namespace.by_connection.get(each.id) for room in item.to for each in both.subscribers(room)]
    for socket in [each for each in found if each is not None]:
        if isinstance(item, items.Disconnect):
            socket.put_out()
        else:
            for room in item.left:
                socket.leave(room)
            for room in item.entered:
                socket.join(room)

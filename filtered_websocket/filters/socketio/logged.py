"""Orders as they stand in the log of recovery, and what stands there, done for the clients of this node.

Channels there are those of the hub (`audience`): ``/chat`` for all of a namespace, ``/chat,hall`` for a room of it.
"""

from collections.abc import Iterable, Sequence

from filtered_websocket.errors import NotAllowed
from filtered_websocket.filters.socketio.audience import Audience, channel
from filtered_websocket.filters.socketio.bus import ChangeRoom, CloseRoom, Disconnect, Emit, Order
from filtered_websocket.filters.socketio.operator import event_packet
from filtered_websocket.filters.socketio.recovery import items
from filtered_websocket.filters.socketio.socket import Socket


def item_of(order: Order) -> items.Item | None:
    """What a manager wants; None for what is for nobody.

    :raises ValueError: an event that JSON cannot hold, or of a reserved name
    """
    where = order.namespace
    if isinstance(order, Emit):
        packet = event_packet(where, order.event, order.arguments)
        audience = Audience(where, order.rooms or (), order.skip)
        is_for_nobody = order.rooms == ()
        return None if is_for_nobody else items.Emit(audience.channels, audience.excepted_channels, packet.messages())
    if isinstance(order, CloseRoom):
        return change(Audience(where, (order.room,)), (), (order.room,))
    to = Audience(where, (order.sid,)).channels
    if isinstance(order, Disconnect):
        return items.Disconnect(to, (), order.sid, False)
    return _change(to, order, [channel(where, order.room)])


def _change(to: tuple[str, ...], order: ChangeRoom, rooms: Sequence[str]) -> items.Change:
    entered, left = (tuple(rooms), ()) if order.enters else ((), tuple(rooms))
    return items.Change(to, (), order.sid, entered, left)


def change(audience: Audience, entered: Iterable[str] = (), left: Iterable[str] = ()) -> items.Change:
    """An audience enters rooms, and leaves rooms."""
    where = audience.namespace
    return items.Change(
        audience.channels,
        audience.excepted_channels,
        "",
        tuple(channel(where, room) for room in entered),
        tuple(channel(where, room) for room in left),
    )


def audience_of(order: items.Order) -> Audience:
    """The audience of an order."""
    namespace = order.to[0].partition(",")[0]
    return Audience(namespace, _rooms(order.to), _rooms(order.but))


def _rooms(channels: Iterable[str]) -> tuple[str, ...]:
    return tuple(room for _, comma, room in (name.partition(",") for name in channels) if comma)


def carry_out(sockets: Iterable[Socket], order: items.Order) -> None:
    """Do it for these clients."""
    for socket in sockets:
        if order.sid and socket.id != order.sid:
            continue  # it is in a room of this name
        if isinstance(order, items.Disconnect):
            socket.disconnect(order.close)
            continue
        socket.leave(*_rooms(order.left))
        try:
            socket.join(*_rooms(order.entered))
        except NotAllowed:
            continue  # it is counted

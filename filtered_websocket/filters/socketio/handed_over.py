"""What a client takes with it to another node, in values that JSON can hold."""

import base64
from collections.abc import Iterable
from typing import Any

from filtered_websocket.filters.engineio.packets import from_base64
from filtered_websocket.filters.socketio import packets
from filtered_websocket.filters.socketio.interfaces import Pack
from filtered_websocket.filters.socketio.packets import Packet
from filtered_websocket.filters.socketio.socket import Socket
from filtered_websocket.filters.socketio.values import json_or, packed, unpacked


def of(
    sockets: Iterable[Socket], waiting: Iterable[Packet], unfinished: tuple[Packet, list[bytes]] | None, pack: Pack
) -> dict[str, Any]:
    """The state of a client.

    :param waiting: packets whose turn has not come
    :param unfinished: a packet whose attachments are due, and those that have come
    """
    here, left = [], []
    for socket in sockets:
        if socket.connected:
            here.append(_of_socket(socket, pack))
        else:
            # Its connect filters are asked again, there.
            left.append(Packet(packets.CONNECT, socket.namespace, None, socket.auth, 0))
    begun = None
    if unfinished is not None:
        packet, attachments = unfinished
        begun = [list(packet), [base64.b64encode(each).decode() for each in attachments]]
    return {
        "node": pack.cluster.name,
        "sockets": here,
        "waiting": [_packed(packet) for packet in (*left, *waiting)],
        "unfinished": begun,
    }


def _of_socket(socket: Socket, pack: Pack) -> dict[str, Any]:
    return {
        "namespace": socket.namespace,
        "id": socket.id,
        "auth": socket.auth,
        "rooms": list(socket.rooms),
        "data": json_or(socket.data, {}, pack),
        "user": json_or(socket.user, None, pack),
        "owes": pack.acknowledgements.of(socket.id),
        "left": socket.left,
    }


def _packed(packet: Packet) -> list[Any]:
    return [*packet._replace(data=packed(packet.data))]


def waiting(packed_packets: Iterable[list[Any]]) -> list[Packet]:
    """The packets whose turn has not come."""
    return [(packet := Packet(*each))._replace(data=unpacked(packet.data)) for each in packed_packets]


def unfinished(begun: list[Any]) -> tuple[Packet, list[bytes]]:
    """A packet whose attachments are due, and those that have come."""
    packet, attachments = begun
    return Packet(*packet), [from_base64(each) for each in attachments]

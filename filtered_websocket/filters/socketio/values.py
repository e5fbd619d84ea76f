"""Values with bytes in them, as JSON has them on the bus: the value with placeholders, and base64 behind it."""

import base64
from typing import Any

from filtered_websocket.filters.engineio.packets import from_base64
from filtered_websocket.filters.socketio import packets
from filtered_websocket.filters.socketio.interfaces import Pack
from filtered_websocket.filters.socketio.packets import Encoded
from filtered_websocket.messages import strict_json


def packed(value: Any) -> list[Any]:
    """A value that JSON can hold.

    :raises Malformed: it is nested too deeply
    """
    attachments: list[bytes] = []
    plain = packets.take_out(value, attachments)
    return [plain, *map(_base64, attachments)]


def unpacked(value: list[Any]) -> Any:
    """The opposite."""
    return packets.put_in(value[0], [from_base64(each) for each in value[1:]])


def pack_packet(packet: Encoded) -> list[Any]:
    """A packet that is encoded already."""
    return [packet.head, packet.body, *map(_base64, packet.attachments)]


def unpack_packet(value: list[Any]) -> Encoded:
    """The opposite."""
    head, body, *attachments = value
    return Encoded(head, body, tuple(from_base64(each) for each in attachments))


def json_or(value: Any, otherwise: Any, pack: Pack) -> Any:
    """A value, if JSON can hold it; what it cannot does not leave this node."""
    try:
        strict_json.dumps(value)
    except (TypeError, ValueError) as error:
        pack.pipeline.server.counters.count("dropped", "socketio: data of a client that JSON cannot hold", str(error))
        return otherwise
    return value


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()

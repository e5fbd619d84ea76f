"""What goes over the bus comes back."""

import json
from typing import Any

from hypothesis import given

from filtered_websocket.filters.socketio import packets
from filtered_websocket.filters.socketio.values import pack_packet, packed, unpack_packet, unpacked
from tests.filters.socketio.test_packets import BINARY


@given(BINARY)
def test_a_value_comes_back(value: Any) -> None:
    assert unpacked(json.loads(json.dumps(packed(value)))) == value


def test_a_packet_comes_back() -> None:
    packet = packets.encoded(packets.EVENT, "/x", ["a", b"1", {"b": [b"2"]}])
    assert unpack_packet(json.loads(json.dumps(pack_packet(packet)))) == packet
    assert packet.messages(7)[0] == (
        b'452-/x,7["a",{"_placeholder":true,"num":0},{"b":[{"_placeholder":true,"num":1}]}]',
        False,
    )

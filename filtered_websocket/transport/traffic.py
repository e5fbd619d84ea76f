"""What has gone over a socket, as the kernel counts it: so that nobody else has to."""

import socket
import struct
from typing import Any, NamedTuple

_SIZE = 136
_ACKNOWLEDGED_RECEIVED = struct.Struct("=120xQQ")
"""tcpi_bytes_acked and tcpi_bytes_received in Linux's struct tcp_info (include/uapi/linux/tcp.h)."""


class Traffic(NamedTuple):
    """Bytes of a TCP connection, heads and TLS included.

    :ivar received: that have come
    :ivar taken: that the peer's machine has confirmed
    """

    received: int
    taken: int


def traffic(connected: Any) -> Traffic | None:
    """What has gone over a socket; None where it is no TCP, or the system does not tell."""
    try:
        told = connected.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _SIZE)
        taken, received = _ACKNOWLEDGED_RECEIVED.unpack(told)
    except (OSError, AttributeError, struct.error):
        return None
    return Traffic(received, taken)

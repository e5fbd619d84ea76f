"""What connections hold back until the end of the turn: what was sent to each alone, and what was collected for it.

A connection that holds something back stands in a list, `corked`. All that it holds goes out in one send.
"""

from collections.abc import Iterable
from typing import Protocol

from twisted.logger import Logger

from filtered_websocket.chain.subscriber import Send
from filtered_websocket.messages.encoding import Encoding

_log = Logger()

MAX_CORKED = 16 * 1024
"""Bytes that are held back for one connection until the turn ends."""
MAX_COLLECTED = 16 * 1024 * 1024
"""Bytes that are copied, to hold back what was collected, before all send it: bounds what all hold back together."""


class Corked(Protocol):
    """A connection that may hold back what is sent to it, until the end of the turn."""

    id: str
    corked: bytes
    encoding: Encoding | None

    @property
    def direct(self) -> Send | None: ...
    def uncork(self) -> None: ...
    def finish(self, blob: bytes, sent: int) -> None: ...


def collect(corked: list[Corked], connections: Iterable[Corked], blob: bytes) -> tuple[int, list[Corked]]:
    """Have connections hold this back, behind what they hold back already.

    :returns: bytes that were copied, and the connections that hold back too much
    """
    copied = len(blob)
    full: list[Corked] = []
    last, joined, too_much = None, blob, False
    for connection in connections:
        held = connection.corked
        if not held:
            connection.corked = blob
            corked.append(connection)
            continue
        # Where all are in the same channels, they hold back the same object.
        if held is not last:
            last, joined = held, held + blob
            too_much = len(joined) > MAX_CORKED
            copied += len(joined)
        connection.corked = joined
        if too_much:
            full.append(connection)
    return copied, full


def release(corked: Iterable[Corked]) -> int:
    """Send what connections hold back: past them, where they are on the fast road.

    :returns: bytes that were sent past them
    """
    bytes_out = 0
    for connection in corked:
        try:
            held, send = connection.corked, connection.direct
            if send is None or not held:
                connection.uncork()
                continue
            connection.corked = b""
            size = len(held)
            bytes_out += size
            try:
                sent = send(held)
            except OSError:  # BlockingIOError among them: see `fan_out`
                sent = 0
            if sent != size:
                connection.finish(held, sent)
        except Exception:
            # One that fails must not keep the others from what was sent to them.
            _log.failure("a connection failed to send what it held back, which is lost for it")
    return bytes_out

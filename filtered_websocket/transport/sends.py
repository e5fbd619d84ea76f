"""Bound sends of sockets, and TLS's own: called one after another."""

from collections.abc import Iterator

from filtered_websocket.chain.interfaces import Send
from filtered_websocket.messages.accelerator import accelerated


@accelerated
def send_all(sends: Iterator[Send], blob: bytes) -> int | None:
    """Have these send, until one does not take all.

    :returns: how many bytes that one has taken; None: all took all
    :raises OSError: that one has failed, where it is not told as 0 bytes: its transport meets the same error when it
        writes what is left, where Twisted ends connections
    """
    size = len(blob)
    for send in sends:
        taken = send(blob)
        if taken != size:
            return taken
    return None

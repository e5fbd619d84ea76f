"""Reads from the sockets that epoll names, one after another, before what they brought is handled."""

from collections.abc import Iterator
from select import EPOLLIN
from typing import Any

from filtered_websocket.messages.accelerator import accelerated

Event = tuple[int, int]
"""A descriptor, and what epoll tells of it."""
Read = tuple[Any, bytes | None]
"""A stream, and what was read from it: b"" at its end, None where its socket has failed."""


@accelerated
def receive(
    events: Iterator[Event], streams: dict[int, Any], kind: type[Any], size: int, reads: list[Read]
) -> Event | None:
    """Read once from each stream that can be read from, up to an event of anything else.

    :param events: of a list
    :param streams: by their descriptors
    :param kind: of what is read from here. Its sockets do not block
    :param size: how many bytes are asked for at once; a stream that gives as many is the last that is read from
    :param reads: gets what was read
    :returns: the event of something else, at which it has stopped
    """
    for event in events:
        fd, what = event
        stream = streams.get(fd)
        if what != EPOLLIN or not isinstance(stream, kind):
            return event
        try:
            data = stream.socket.recv(size)
        except BlockingIOError:
            continue
        except OSError:
            data = None
        reads.append((stream, data))
        if data is not None and len(data) == size:
            break
    return None

"""Reads from the sockets that epoll names, one after another, before what they brought is handled."""

from select import EPOLLIN
from typing import Any

from filtered_websocket.messages.accelerator import accelerated

Event = tuple[int, int]
"""A descriptor, and what epoll tells of it."""


@accelerated
def read_ready(  # noqa: PLR0917 - keywords would cost each turn
    events: list[Event], at: int, streams: dict[int, Any], kind: type[Any], size: int, reads: list[Any]
) -> int:
    """Read once from each stream that can be read from, up to an event of anything else.

    :param at: the first of the events that is looked at
    :param streams: by their descriptors
    :param kind: of what is read from here. Its sockets do not block
    :param size: how many bytes are asked for at once; a stream that gives as many is the last that is read from
    :param reads: gets each stream, and behind it what was read: b"" at its end, None where its socket has failed
    :returns: where among the events it has stopped: at the first of something else, or behind the last stream
    """
    for place in range(at, len(events)):
        fd, what = events[place]
        stream = streams.get(fd)
        if what != EPOLLIN or not isinstance(stream, kind):
            return place
        try:
            data = stream.socket.recv(size)
        except BlockingIOError:
            continue
        except OSError:
            data = None
        reads += (stream, data)
        if data is not None and len(data) == size:
            return place + 1
    return max(at, len(events))

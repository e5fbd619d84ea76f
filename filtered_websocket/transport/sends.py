"""The bound send of a socket that does not block."""

from collections.abc import Callable
from typing import Any

from filtered_websocket.chain.subscriber import Send
from filtered_websocket.messages.accelerator import accelerated


@accelerated
def bound_send(fileno: Callable[[], int]) -> Send:
    """What sends by a socket: called with bytes, it returns how many of them were taken.

    Where the socket fails that is 0, or an OSError is raised: its transport meets the same error when it writes what is
    left, where Twisted ends connections.

    :param fileno: the socket's method of this name, which is asked before each send
    """
    method: Any = fileno
    send: Send = method.__self__.send
    return send

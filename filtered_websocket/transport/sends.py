"""The bound send of a socket that does not block."""

from socket import socket

from filtered_websocket.chain.subscriber import Send
from filtered_websocket.messages.accelerator import accelerated


@accelerated
def sender(socket: socket) -> Send:
    """What sends by a socket: called with bytes, it returns how many of them were taken.

    Where the socket fails that is 0, or an OSError is raised: its transport meets the same error when it writes what is
    left, where Twisted ends connections.
    """
    return socket.send

"""The server inside a program of yours: a service of a Twisted application, or a part of an asyncio program.

    EmbeddedServer(filters=["chat_server"], port=9000).setServiceParent(application)  # in a .tac file of twistd

    async with asyncio_reactor(), EmbeddedServer(filters=["chat_server"], port=9000):  # in an asyncio program
        ...

It is one process of `fws_server`. What belongs to the program stays the program's: signals, the log, the reactor, the
Python path, how memory is managed. So there are no workers and no reloading, and nothing is read from the environment.
"""

from filtered_websocket.commands.embedded.reactor import asyncio_reactor
from filtered_websocket.commands.embedded.server import EmbeddedServer

__all__ = ["EmbeddedServer", "asyncio_reactor"]

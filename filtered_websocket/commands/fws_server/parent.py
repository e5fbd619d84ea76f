"""A worker's side of what it and its parent tell each other.

A worker's standard input is a pipe that ends with its parent. Anything that comes on it says that the storage will end
with the workers. On descriptor `STATUS` it tells its parent ``ready``, ``reloaded`` and ``refused`` (to reload), a word
per line.
"""

import os
from typing import Any

from twisted.internet.error import ReactorNotRunning
from twisted.internet.fdesc import setNonBlocking
from twisted.internet.interfaces import IReadDescriptor
from zope.interface import implementer

from filtered_websocket.server.server import Server

WORKER = "FILTERED_WEBSOCKET_WORKER"
"""Environment name of a worker's number."""
STATUS = 4


def tell(word: str) -> None:
    """Tell the parent, if there is one."""
    if WORKER in os.environ:
        try:
            os.write(STATUS, f"{word}\n".encode())
        except OSError:
            pass  # the parent is gone, and with it standard input, which ends this process


@implementer(IReadDescriptor)
class Parent:
    """The end of the pipe that a worker's parent holds: when it closes, the parent is gone, and the worker stops. If it
    is stopping already it ends at once: a parent goes before its workers only when told twice, or killed."""

    def __init__(self, reactor: Any, server: Server) -> None:
        self._reactor, self._server = reactor, server
        setNonBlocking(0)

    def fileno(self) -> int:
        return 0

    def doRead(self) -> None:
        if not os.read(0, 1024):
            self.connectionLost(None)
        else:
            self._server.storage_ends = True

    def connectionLost(self, reason: Any) -> None:
        # A hang-up comes as this call, without doRead.
        self._reactor.removeReader(self)
        try:
            self._reactor.stop()
        except ReactorNotRunning:
            os._exit(1)

    def logPrefix(self) -> str:
        return "parent"

"""Stopping a server in this process."""

from typing import Any

from twisted.internet.defer import Deferred

from tests.support.reactor_thread import call


def stopping(served: Any) -> Deferred[Any]:
    """Begin to stop; fires when the server has."""
    return call(lambda: [served.server.stop()])[0]


def stop(served: Any) -> float:
    """Stop the server; how long it took, in seconds."""
    from twisted.internet import reactor

    async def measured() -> float:
        begin = reactor.seconds()  # type: ignore[attr-defined]
        await served.server.stop()
        return reactor.seconds() - begin  # type: ignore[attr-defined]

    return call(measured)

"""What the server's end waits for: steps that others are to hear of."""

from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from filtered_websocket.chain.interfaces import Server
from filtered_websocket.errors import StorageAway

_log = Logger()


def under_way(step: Deferred[Any], server: Server) -> Deferred[Any]:
    """Have the server's end wait for something that others are told of in the end.

    :returns: what the step comes to, for a caller that waits for it
    """
    heard: Deferred[Any] = Deferred()

    def over(result: Any) -> None:
        if not heard.called:
            heard.callback(result)
        elif isinstance(result, Failure):
            failed(result)

    step.addBoth(over)
    server.owe(step)
    return heard


def failed(failure: Failure) -> None:
    """Log why something could not be told, unless it was that the storage is away: then others will see to it."""
    if not failure.check(StorageAway):
        _log.failure("what others are owed", failure)

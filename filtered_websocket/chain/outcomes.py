"""What an exception means that ends a chain or an endpoint.

=================  ====================  ===========================  ===================================  ======
exception          WebSocket             HTTP                         counted                              logged
=================  ====================  ===========================  ===================================  ======
StopChain          goes on               goes on                      no                                   no
Close              its code, reason      403 Forbidden                no                                   no
Reject             1008, its reason      its status, text, headers    no                                   no
NotAllowed         1008, its text        500                          closed, the limit                    no
StorageAway        1013 try again later  503, Retry-After             closed, the storage object is away   no
cancelled          1011                  503 the server is stopping   no                                   no
any other          1011                  500                          failed, the filter                   yes
=================  ====================  ===========================  ===================================  ======

Not every exception has a meaning everywhere: an endpoint cannot close, a consumer filter can refuse nobody. So each
place names the exceptions that it knows. What it does not know is a failure there, as any other.
"""

import asyncio
from collections.abc import Callable
from typing import Any, NamedTuple

from twisted.internet.defer import CancelledError
from twisted.logger import Logger

from filtered_websocket.chain import about
from filtered_websocket.chain.counters import Counters
from filtered_websocket.chain.failures import culprit, kind_of, users_traceback
from filtered_websocket.errors import Close, NotAllowed, Reject, StopChain, StorageAway

_log = Logger()

CANCELLED: tuple[type[BaseException], ...] = (CancelledError, asyncio.CancelledError)
"""What a cancelled filter is told, on Twisted's own reactors and on asyncio's."""


class Outcome(NamedTuple):
    """What is done because of an exception.

    :ivar code: of the close frame; None where the connection goes on
    :ivar reason: of the close frame
    :ivar status: of the HTTP response; 0 where the handshake goes on
    :ivar text: one line for the client that gets an HTTP response
    :ivar headers: of the HTTP response
    :ivar counted: as what the close is counted; empty: it is not
    :ivar failed: it is a failure, which `report` counts and logs
    """

    code: int | None = 1011
    reason: str = ""
    status: int = 500
    text: str = "Internal Server Error"
    headers: tuple[tuple[str, str], ...] = ()
    counted: str = ""
    failed: bool = False


FAILURE = Outcome(failed=True)
_STOPPED = Outcome(code=None, status=0, text="")
_AWAY = Outcome(
    1013,
    "try again later",
    503,
    "the storage is away: try again",
    (("Retry-After", "1"),),
    counted="the storage object is away",
)
_CANCELLED = Outcome(status=503, text="the server is stopping")

_TABLE: tuple[tuple[type[BaseException], Callable[[Any], Outcome]], ...] = (
    (StopChain, lambda error: _STOPPED),
    (Close, lambda error: Outcome(error.code, error.reason, 403, "Forbidden")),
    (Reject, lambda error: Outcome(1008, error.reason, error.status, error.reason, error.headers)),
    (NotAllowed, lambda error: Outcome(1008, str(error), counted=error.reason)),
    (StorageAway, lambda error: _AWAY),
    *((kind, lambda error: _CANCELLED) for kind in CANCELLED),
)


def outcome(error: BaseException, known: tuple[type[BaseException], ...]) -> Outcome:
    """What an exception means.

    :param known: the exceptions that have a meaning in the place where it was caught
    """
    if isinstance(error, known):
        for kind, means in _TABLE:
            if isinstance(error, kind):
                return means(error)
    return FAILURE


def report(counters: Counters, error: BaseException, what: str = "failed", reason: str = "filter") -> None:
    """Count a failure with the filter that it came out of, and log its traceback."""
    name = culprit(error)
    counters.count(what, reason, name)
    _log.error("{trace}", trace=users_traceback(error), kind=kind_of(error), **about.of_failure(error))

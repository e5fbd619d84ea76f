"""One trace in one process: what it is told of, and what it sends on, bounded."""

import time
from collections.abc import Callable, Mapping
from typing import Any
from weakref import WeakSet

from filtered_websocket.chain.clock import DelayedCall
from filtered_websocket.limits.rates import Bucket
from filtered_websocket.server.inspection import is_called, shown_name, shown_user

MAX_RATE = 500
"""Events per second of one trace in one process."""
MAX_WAITING = 1000
"""Events that wait to be sent together."""
TOGETHER_SECONDS = 0.1

Values = Mapping[str, Any]
Event = dict[str, Any]
Emit = Callable[[list[Event]], object]


def event_of(connection: Any, what: str, process: str) -> Event:
    """What all events of a connection say, of whatever happens."""
    pipeline = connection.pipeline
    return {
        "time": time.time(),
        "process": process,
        "pipeline": None if pipeline is None else shown_name(pipeline),
        "id": str(connection.id),
        "user": shown_user(connection),
        "what": what,
    }


class Trace:
    """One trace in one process.

    :ivar gone: those of them that have ended, or moved: a filter that still runs in one tells what becomes of it
    :ivar left_out: connections that it would be told of, if there were not too many
    """

    def __init__(self, values: Values, clock: Any, emit: Emit) -> None:
        self.values, self._clock, self._emit = values, clock, emit
        self.connections: set[Any] = set()
        self.gone: WeakSet[Any] = WeakSet()
        self.left_out = 0
        self.renewed = clock.seconds()
        self._bucket = Bucket(MAX_RATE, MAX_RATE, self.renewed)
        self._waiting: list[Event] = []
        self._dropped = 0
        self._flush: DelayedCall | None = None

    def concerns(self, connection: Any) -> bool:
        """Whether it is told of this connection."""
        values = self.values
        if values.get("pipeline") is not None and not is_called(connection.pipeline, values["pipeline"]):
            return False
        if values.get("id") is not None:
            return bool(connection.id == values["id"])
        if values.get("user") is not None:
            return bool(connection.user == values["user"])
        return values.get("channel") in connection.channels

    def tell(self, event: Event) -> None:
        """Send an event, with others that come soon."""
        if len(self._waiting) >= MAX_WAITING or not self._bucket.take(self._clock.seconds()):
            self._dropped += 1
        else:
            self._waiting.append(event)
        if self._flush is None:
            self._flush = self._clock.callLater(TOGETHER_SECONDS, self.flush)

    def flush(self) -> None:
        """Send what waits."""
        flush, self._flush = self._flush, None
        if flush is not None and flush.active():
            flush.cancel()
        events, self._waiting = self._waiting, []
        if self._dropped:
            events.append({"what": "dropped", "count": self._dropped, "time": time.time()})
            self._dropped = 0
        if events:
            self._emit(events)

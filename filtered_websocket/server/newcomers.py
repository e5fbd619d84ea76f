"""Connections that come while something is traced: what comes first is kept until they show whose they are.

Most do in their handshake, many by their first message. All is bounded: how many are kept, how much of each, how long.
"""

from typing import Any

from filtered_websocket.server.trace import Event

FIRST_EVENTS = 50
"""Events that are kept of each."""
MAX_NAMELESS = 200
"""How many open connections are kept that are nobody's yet."""
NAMED_SECONDS = 10.0
"""How long one that is open has to say whose it is."""


class Newcomers:
    """Those of one process."""

    def __init__(self) -> None:
        self._events: dict[Any, list[Event]] = {}

    @property
    def count(self) -> int:
        return len(self._events)

    def __contains__(self, connection: object) -> bool:
        return connection in self._events

    def arrive(self, connection: Any) -> None:
        """A connection is made."""
        self._events[connection] = []

    def keep(self, connection: Any, event: Event) -> bool:
        """Keep an event of a newcomer; False: it is none."""
        events = self._events.get(connection)
        if events is not None and len(events) < FIRST_EVENTS:
            events.append(event)
        return events is not None

    def leave(self, connection: Any) -> list[Event] | None:
        """It is no newcomer any more: what was kept of it; None: it was none."""
        return self._events.pop(connection, None)

    def stay(self, connection: Any, events: list[Event] | None) -> bool:
        """It is open, and nobody's yet: whether it may still say whose it is."""
        stays = events is not None and connection.user is None and len(self._events) < MAX_NAMELESS
        if events is not None and stays:
            self._events[connection] = events
        return stays

    def nameless(self, now: float) -> list[Any]:
        """Those that have not said so in time: newcomers no more."""
        late = [each for each in self._events if each.opened and now - each.began > NAMED_SECONDS]
        for each in late:
            del self._events[each]
        return late

    def clear(self) -> None:
        """Nothing is traced any more."""
        self._events.clear()

"""A session of this node whose record is kept."""

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred

from filtered_websocket.filters.socketio.recovery.record import Record


class Kept:
    """
    :ivar key: where its copy lies
    :ivar displaced: called when another node has it, or another connection of this one
    :ivar values: gives what the pack keeps with it
    :ivar owners: whose the copy may be that is written over; "" for none
    :ivar written: when its copy was last written
    """

    __slots__ = ("displaced", "ended", "key", "owners", "record", "scheduled", "under_way", "values", "written")

    def __init__(
        self,
        key: str,
        record: Record,
        displaced: Callable[[], object],
        values: Callable[[], dict[str, Any]],
        owners: tuple[str, ...],
    ) -> None:
        self.key, self.record, self.displaced, self.values, self.owners = key, record, displaced, values, owners
        self.ended = False
        self.written = 0.0
        # What waits for the next write, and for the one that is under way.
        self.scheduled: list[Deferred[None]] | None = None
        self.under_way: list[Deferred[None]] = []

"""Numbers for what other programs say on the bus, which carries none.

All nodes hear one order there. One that begins, or was deaf, has all of them hear a mark, and all count from there: so
what a program says has one name on every node, (mark, stream, number), whichever of them appends it to the log.
"""

from collections import Counter

from filtered_websocket.filters.socketio.recovery.items import Origin


class Marks:
    """
    :param node: the name of this one
    :ivar mark: the one that was heard last; None as long as what is heard has no number
    """

    def __init__(self, node: str) -> None:
        self._node = node
        self.mark: str | None = None
        self._counts: Counter[str] = Counter()
        self._logged: dict[tuple[str, str], int] = {}

    def heard(self, mark: str) -> bool:
        """A mark has come; whether this node has heard all that came between the one before and this one."""
        was_hearing, self.mark = self.mark is not None, mark
        self._counts.clear()
        return was_hearing

    def deaf(self) -> None:
        """What comes now may be not all."""
        self.mark = None

    def next(self, stream: str) -> Origin | None:
        """What a program has said gets its number; None as long as it cannot."""
        if self.mark is None:
            return None
        self._counts[stream] += 1
        return Origin(self.mark, stream, self._counts[stream], self._node)

    # What the log has.

    def logged(self, origin: Origin) -> None:
        """The log has this one, and all of its stream before it."""
        key = origin.mark, origin.stream
        if key not in self._logged and len(self._logged) >= 100:
            del self._logged[next(iter(self._logged))]
        self._logged[key] = max(origin.number, self._logged.get(key, 0))

    def is_logged(self, origin: Origin) -> bool:
        """Whether the log has this one."""
        return origin.number <= self._logged.get((origin.mark, origin.stream), 0)

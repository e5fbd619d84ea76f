"""What channels keep, in this process's memory: the newest publications of each, in order, with their positions."""

import time
from collections import deque
from itertools import islice
from uuid import uuid4

from filtered_websocket.publication import Position, Publication
from filtered_websocket.storage_objects.base import Keep

EPOCH_SECONDS = 86400.0
"""How long a channel's epoch outlives its last publication, so that who saw that one can still be told so."""


def new_epoch() -> str:
    """A name that no history had before, so that a position of an older history proves nothing in a newer one."""
    return uuid4().hex[:12]


class _History:
    """One channel's: ``kept`` holds ``(stored at, publication)``, whose offsets end with ``top`` without a hole."""

    __slots__ = ("epoch", "expires", "keep", "kept", "top")

    def __init__(self) -> None:
        self.epoch = new_epoch()
        self.top = 0
        self.kept: deque[tuple[float, Publication]] = deque()
        self.keep = Keep(0)
        self.expires = 0.0

    def trim(self, now: float) -> None:
        kept, keep = self.kept, self.keep
        while len(kept) > keep.count:
            kept.popleft()
        if keep.seconds:
            oldest = now - keep.seconds
            while kept and kept[0][0] <= oldest:
                kept.popleft()


class Histories:
    """The histories of all channels. Old ones go away in passing, so no timer is needed."""

    def __init__(self) -> None:
        self._histories: dict[str, _History] = {}
        self._appends = 0

    def append(self, publication: Publication, keep: Keep) -> Position:
        """Keep a publication; its position, which it also carries from now on."""
        now = time.monotonic()
        history = self._of(publication.channel, now)
        history.top += 1
        history.keep = keep
        publication.position = Position(history.epoch, history.top)
        history.kept.append((now, publication))
        history.trim(now)
        history.expires = now + keep.seconds + EPOCH_SECONDS if keep.seconds else float("inf")
        self._appends += 1
        if self._appends > len(self._histories):  # so a sweep costs each append about one look at a history
            self._appends = 0
            self._sweep(now)
        return publication.position

    def since(self, channel: str, position: Position) -> list[Publication] | None:
        """What came after a position; None when something may be missing."""
        history = self._histories.get(channel)
        if history is None or history.epoch != position.epoch:
            return None
        history.trim(time.monotonic())
        missed = history.top - position.offset
        if not 0 <= missed <= len(history.kept):
            return None
        return [publication for _, publication in islice(history.kept, len(history.kept) - missed, None)]

    def latest(self, channel: str, skip: int, count: int) -> list[Publication]:
        """Newest first."""
        history = self._histories.get(channel)
        if history is None:
            return []
        history.trim(time.monotonic())
        return [publication for _, publication in islice(reversed(history.kept), skip, skip + count)]

    def position(self, channel: str) -> Position:
        """Where the history ends; it begins here if there is none."""
        history = self._of(channel, time.monotonic())
        return Position(history.epoch, history.top)

    def _of(self, channel: str, now: float) -> _History:
        history = self._histories.get(channel)
        if history is None:
            history = self._histories[channel] = _History()
            history.expires = now + EPOCH_SECONDS
        return history

    def _sweep(self, now: float) -> None:
        for channel, history in list(self._histories.items()):
            history.trim(now)
            if history.expires < now:
                del self._histories[channel]

"""What positions of an epoch are worth in the epoch that there is now."""

from typing import NamedTuple

from filtered_websocket.messages.publication import Position


class Worth(NamedTuple):
    """It was asked of one position, and tells of all before it too.

    :ivar epoch: that there is now
    :ivar common: where one goes on that stands there: up to this offset, both epochs are the same
    :ivar upto: the offset that was asked about
    """

    epoch: str
    common: int
    upto: int

    def of(self, position: Position) -> Position | None:
        """Where one goes on that stands at a position of that epoch; None: this does not tell."""
        if position.offset > self.upto and self.common >= self.upto:
            return None  # they may have more in common
        return Position(self.epoch, min(position.offset, self.common))

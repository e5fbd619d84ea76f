"""What a client is told that subscribes from a position: whether it has been given all that it missed."""

from collections.abc import Sequence
from typing import NamedTuple

from filtered_websocket.messages.publication import Position, Publication

EPOCH = "epoch"
"""The position is of another history than there is now, or of none."""
TRIMMED = "trimmed"
"""Some of what was missed is kept no longer."""
TOO_MANY = "too many"
"""More was missed than one recovery gives back (``recovery_publications``, ``recovery_bytes``)."""
GAP = "gap"
"""This node has missed something itself, or a consumer filter has failed on what was missed."""
AWAY = "storage away"
"""History could not be asked."""
NO_HISTORY = "no history"
"""The channel keeps none."""
LEFT = "left"
"""The subscriber has left before it was answered."""

REASONS = (EPOCH, TRIMMED, TOO_MANY, GAP, AWAY, NO_HISTORY, LEFT)


class Recovery(NamedTuple):
    """
    :ivar recovered: nothing is missing between the position that was asked from and what comes live
    :ivar reason: why this is not so, one of `REASONS`; empty if it is
    :ivar position: where the client stands now: behind what it was given. None where the channel has no history
    :ivar publications: what it was given, oldest first, as the consumer chain has left it
    """

    recovered: bool
    reason: str
    position: Position | None
    publications: Sequence[Publication] = ()

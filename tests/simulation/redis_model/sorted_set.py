"""Redis's sorted set: members by their score, those of one score by their bytes."""

from bisect import bisect_left, insort
from math import inf, isnan

from tests.simulation.redis_model.answers import Refusal


class SortedSet:
    """
    :ivar scores: of each member
    :ivar order: pairs of score and member, in order
    """

    __slots__ = ("order", "scores")

    def __init__(self) -> None:
        self.scores: dict[bytes, float] = {}
        self.order: list[tuple[float, bytes]] = []

    def __len__(self) -> int:
        return len(self.scores)

    def put(self, member: bytes, score: float) -> bool:
        """Whether it is new."""
        before = self.scores.get(member)
        if before != score:
            if before is not None:
                del self.order[bisect_left(self.order, (before, member))]
            self.scores[member] = score
            insort(self.order, (score, member))
        return before is None

    def discard(self, member: bytes) -> bool:
        """Whether it was there."""
        score = self.scores.pop(member, None)
        if score is None:
            return False
        del self.order[bisect_left(self.order, (score, member))]
        return True

    def copy(self) -> "SortedSet":
        copied = SortedSet()
        copied.scores, copied.order = self.scores.copy(), self.order.copy()
        return copied


def parse_score(raw: bytes, error: str = "ERR value is not a valid float") -> float:
    """
    :raises Refusal: it is no number
    """
    try:
        score = float(raw)
    except ValueError:
        raise Refusal(error) from None
    if isnan(score) or b"_" in raw or raw != raw.strip():
        raise Refusal(error)
    return score


def written_score(score: float) -> bytes:
    if score in (inf, -inf):
        return b"inf" if score > 0 else b"-inf"
    return b"%d" % score if score == int(score) and abs(score) < 1e17 else b"%.17g" % score

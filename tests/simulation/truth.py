"""What was published to one channel, as those that published it know it, and what storage says of where it stands."""

from filtered_websocket.messages.publication import Position

BEYOND = 1 << 62
"""An offset, or a tick, behind all others."""


class Publication:
    """One that somebody has begun to publish.

    :ivar number: what it is known by: no two have the same, in whatever channels
    :ivar begun, confirmed: the oracle's ticks; `confirmed` is None where that has not come, or will not
    :ivar behind: the highest offset that was confirmed in each epoch of the channel when this was begun
    :ivar publisher: the connection by which it was published: what one says is done in its order
    :ivar refused: it was certainly not published
    :ivar position: where somebody first said that it stands
    :ivar lost: storage has lost it, or may have, and said so: nobody needs to get it
    """

    __slots__ = ("begun", "behind", "channel", "confirmed", "lost", "number", "position", "publisher", "refused")

    def __init__(self, channel: str, number: int, begun: int, behind: dict[str, int]) -> None:
        self.channel, self.number, self.begun, self.behind = channel, number, begun, behind
        self.confirmed: int | None = None
        self.position: Position | None = None
        self.publisher = ""
        self.refused = self.lost = False

    @property
    def is_due(self) -> bool:
        """Whether those that were there must get it."""
        return self.confirmed is not None and not self.lost

    def __repr__(self) -> str:
        return f"{self.number} of {self.channel}"


class Channel:
    """What is true of one channel.

    :ivar kept: it keeps history: its publications have positions
    :ivar epochs: the epochs that were seen, in their order, with what stands at each offset
    """

    def __init__(self, name: str, kept: bool) -> None:
        self.name, self.kept = name, kept
        self.publications: list[Publication] = []
        self.epochs: dict[str, dict[int, Publication]] = {}
        self.confirmed_up_to: dict[str, int] = {}

    def begin(self, number: int, tick: int) -> Publication:
        publication = Publication(self.name, number, tick, dict(self.confirmed_up_to))
        self.publications.append(publication)
        return publication

    def confirm(self, publication: Publication, tick: int, position: Position | None) -> str:
        """Somebody was told that it is published; the fault in that, if there is one."""
        publication.confirmed = tick
        fault = "" if position is None else self.place(publication, position)
        position = position or publication.position
        if position is None:
            return ""
        epoch, offset = position
        self.confirmed_up_to[epoch] = max(offset, self.confirmed_up_to.get(epoch, 0))
        return fault

    def place(self, publication: Publication, position: Position) -> str:
        """Somebody says that it stands there; the fault in that, if there is one."""
        if publication.refused:
            return f"{publication} was refused, and stands at {position}"
        epoch, offset = position
        stands = self.epochs.setdefault(epoch, {}).setdefault(offset, publication)
        if stands is not publication:
            return f"at {position} stand both {stands} and {publication}"
        before = publication.position or position
        if before.offset != offset and not publication.lost:
            return f"{publication} stands at {before} and at {position}"
        publication.position = before
        if offset <= publication.behind.get(epoch, -1):
            least = publication.behind[epoch]
            return f"{publication} stands at {position}, though offset {least} was confirmed before it was begun"
        return ""

    def may_stand_behind(self, position: Position, tick: int) -> int:
        """How many may stand behind a position: of those that have none, all that were not confirmed by this tick."""
        count = 0
        for each in self.publications:
            if each.position is not None:
                count += each.position.epoch == position.epoch and each.position.offset > position.offset
            elif not each.refused:
                count += each.confirmed is None or each.confirmed > tick
        return count

    def keeps(self, after: Position, up_to: int) -> bool:
        """Whether storage still has something behind a position, up to this offset of its epoch. It goes back over
        what it has lost: until somebody publishes, what is left stands where it stood, in the same epoch."""
        placed = self.epochs.get(after.epoch, {})
        lost_some = any(each.lost and each.position is None for each in self.publications)
        stand = [placed.get(offset) for offset in range(after.offset + 1, up_to + 1)]
        return any(not (lost_some if each is None else each.lost) for each in stand)

    def missing(self, after: Position, before: Position, away: int = BEYOND) -> list[Publication]:
        """What must come between two positions, by what was confirmed.

        :param away: since that tick a client that stands there had got nothing
        """
        names = list(self.epochs)
        if after.epoch not in names or before.epoch not in names:
            return []
        first, last = names.index(after.epoch), names.index(before.epoch)
        # A new epoch goes on with the offsets of the one before it: what stands behind there need not have come before.
        there = self.epochs[before.epoch].get(before.offset)
        found: dict[int, Publication] = {}
        for index in range(first, last + 1):
            for offset, each in sorted(self.epochs[names[index]].items()):
                replaced = offset == before.offset and there not in (None, each)
                is_new = index > first and each.begun > away
                if (after.offset < offset or is_new) and (offset < before.offset or replaced) and each.is_due:
                    found[each.number] = each
        return list(found.values())

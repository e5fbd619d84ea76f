"""What one client has seen: of each channel that it is in, from where on, in what order, and what came of it."""

from typing import Protocol

from filtered_websocket.messages.publication import Position
from tests.simulation.truth import BEYOND, Channel, Publication


class Knows(Protocol):
    """The oracle."""

    disturbed: int
    one_order: bool

    def fault(self, text: str) -> None: ...
    def tick(self) -> int: ...
    def channel(self, name: str) -> Channel: ...
    def publication(self, number: int) -> Publication | None: ...
    def last_count(self, node: str) -> int: ...


class Stay:
    """One channel, from the answer that lets a client in to its leaving.

    :ivar away: the tick at which it was there last, if it has come back
    :ivar stands: the position behind which everything must come; None without history
    :ivar latest: of those that it got, the one that was begun last
    """

    def __init__(self, channel: Channel, node: str, since: int, stands: Position | None, away: int = BEYOND) -> None:
        self.channel, self.node, self.since, self.stands, self.away = channel, node, since, stands, away
        self.got: set[int] = set()
        self.latest: Publication | None = None


class Witness:
    """A client. Whoever plays it tells this what it hears, in the order in which it hears it.

    :ivar stays: the channels that it is in, by name
    """

    def __init__(self, name: str, oracle: Knows) -> None:
        self.name, self._oracle = name, oracle
        self.stays: dict[str, Stay] = {}
        self._live: Publication | None = None
        self._without_position: set[int] = set()

    def __repr__(self) -> str:
        return self.name

    def entered(self, channel: str, node: str, stands: Position | None = None, away: int = BEYOND) -> None:
        """It was answered that it is in a channel.

        :param node: whose counters would tell of its losses
        :param stands: behind which position all comes: its own where it is told that it has recovered, else where the
            channel stands; None for no history
        :param away: the tick since which it had got nothing, where it is told that it has recovered
        """
        if channel in self.stays:
            self._oracle.fault(f"{self} was let into {channel} twice")
        truth = self._oracle.channel(channel)
        self.stays[channel] = Stay(truth, node, self._oracle.tick(), stands, away)

    def got(self, channel: str, number: int, position: Position | None = None, live: bool = True) -> None:
        """It got a publication.

        :param live: it is not of what the client had missed: the order over all channels holds for it
        """
        publication, stay = self._oracle.publication(number), self.stays.get(channel)
        if publication is None or publication.channel != channel:
            self._oracle.fault(f"{self} got {number} of {channel}, which nobody has published there")
        elif stay is None:
            self._oracle.fault(f"{self} got {publication}, and is not in that channel")
        elif publication.refused:
            self._oracle.fault(f"{self} got {publication}, which was refused")
        else:
            if position is None:
                self._take(publication)
            else:
                self._take_kept(stay, publication, position)
            stay.got.add(number)
            self._in_order(stay, publication, live)

    def stands_at(self, channel: str, position: Position) -> None:
        """It is told where it stands, and has got everything up to there."""
        stay = self.stays.get(channel)
        if stay is None or stay.stands is None:
            return
        missing = stay.channel.missing(stay.stands, Position(position.epoch, position.offset + 1), stay.away)
        if missing:
            self._oracle.fault(f"{self} is told that it stands at {position}, and has not got {missing[0]}")
        elif position.epoch == stay.stands.epoch and stay.channel.keeps(position, stay.stands.offset):
            self._oracle.fault(f"{self} is told that it stands at {position}, and stands at {stay.stands}")
        stay.stands = position

    def left(self, channel: str) -> None:
        """It is not in a channel any more: it has left, or was put out."""
        self.stays.pop(channel, None)

    def cut(self) -> None:
        """Its connection has ended."""
        self.stays.clear()
        self._live = None
        self._without_position.clear()  # where it comes next what it has got may be on its way still

    def rest(self) -> None:
        """All that can come has come."""
        for each, node in self.owed():
            self._oracle.fault(f"{self} never got {each}, and no loss was counted at {node}")

    def owed(self) -> list[tuple[Publication, str]]:
        """What it has to get and has not got, with the node that has not counted it."""
        stays = self.stays.values()
        return [(each, stay.node) for stay in stays for each in self._missing(stay) if not self._is_counted(stay, each)]

    # What it got.

    def _take(self, publication: Publication) -> None:
        if publication.number in self._without_position:
            self._oracle.fault(f"{self} got {publication} twice")
        self._without_position.add(publication.number)

    def _take_kept(self, stay: Stay, publication: Publication, position: Position) -> None:
        fault = stay.channel.place(publication, position)
        if fault:
            self._oracle.fault(f"{self}: {fault}")
        stands, stay.stands = stay.stands, position
        if stands is None:
            return
        if stands.epoch != position.epoch:
            missing = stay.channel.missing(stands, position)
            if missing:
                self._oracle.fault(f"{self} got {publication} at {position} behind {stands}, without {missing[0]}")
        elif position.offset <= stands.offset:
            self._oracle.fault(f"{self} got {publication} at {position} again, or behind {stands}")
        elif position.offset != stands.offset + 1:
            self._oracle.fault(f"{self} got {publication} at {position} behind {stands}: a hole")

    def _in_order(self, stay: Stay, publication: Publication, live: bool) -> None:
        """One that was confirmed before another was begun comes before it, for a client that is in both channels."""
        before, calm = stay.latest, publication.begun > self._oracle.disturbed
        if before is not None and (_was_over(publication, before) or (calm and _was_sent_first(publication, before))):
            self._oracle.fault(f"{self} got {publication} behind {before}, which was begun later")
        if before is None or publication.begun > before.begun:
            stay.latest = publication
        if not live or publication.begun < stay.since:
            return  # of one that is being let in what came meanwhile may wait
        before = self._live
        was_first = self._oracle.one_order and before is not None and _was_sent_first(publication, before)
        if before is not None and calm and (_was_over(publication, before) or was_first):
            self._oracle.fault(f"{self} got {publication} behind {before}, of another channel, which was begun later")
        if before is None or publication.begun > before.begun:
            self._live = publication

    # What it did not get.

    def _missing(self, stay: Stay) -> list[Publication]:
        channel = stay.channel
        if stay.stands is not None:
            # An epoch that nobody knows of is one in which nobody has published.
            *_, newest = channel.epochs or [stay.stands.epoch]
            placed = channel.missing(stay.stands, Position(newest, BEYOND))
            return placed + [
                each for each in channel.publications if each.position is None and self._is_due(stay, each)
            ]
        if channel.kept:
            return []  # it was told that nothing is promised
        return [each for each in channel.publications if self._is_due(stay, each)]

    def _is_due(self, stay: Stay, publication: Publication) -> bool:
        since = min(stay.since, stay.away)  # one that has come back gets what it missed
        return publication.is_due and publication.begun > since and publication.number not in stay.got

    def _is_counted(self, stay: Stay, publication: Publication) -> bool:
        return stay.stands is None and self._oracle.last_count(stay.node) > publication.begun


def _was_over(one: Publication, other: Publication) -> bool:
    """Whether one was confirmed before the other was begun."""
    return one.confirmed is not None and one.confirmed < other.begun


def _was_sent_first(one: Publication, other: Publication) -> bool:
    """Whether one publisher has sent one before the other."""
    return one.publisher != "" and one.publisher == other.publisher and one.begun < other.begun

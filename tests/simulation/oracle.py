"""The oracle: it is told what was accepted and what each client saw, knows no server, and says what is not as promised.

Whoever plays the clients tells it, in the order in which things happen to them:

    oracle = Oracle()
    oracle.channel("kept", kept=True)
    publication = oracle.publish("kept")                 its `number` is what is sent
    oracle.confirmed(publication, Position("e", 1))      or `refused`; neither, where it is unknown whether it was done
    witness = oracle.witness("ann")
    witness.entered("kept", "node 1", Position("e", 0))
    witness.got("kept", publication.number, Position("e", 1))
    oracle.rest()
    assert not oracle.faults

The promises (docs/guarantees.md):

1. Nothing comes that nobody has published, nothing twice, nothing out of order: one that was confirmed before another
   was begun comes before it, in a channel always, and over all the channels of a client unless storage was disturbed.
   Unless it was, so does one that its publisher has sent before the other on the same connection; over several channels
   where all of them are delivered by one road.
2. Behind the position where a client stands comes everything that was confirmed, and each offset once.
3. What else is lost was counted, at the client's node.
4. At rest members are those that are there; of each one join and one leave was told.
5. Limits hold, and nothing is left of what has ended.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from filtered_websocket.messages.publication import Position
from tests.simulation.members import Members
from tests.simulation.truth import Channel, Publication
from tests.simulation.witness import Witness


class Oracle:
    """
    :ivar faults: what is not as promised, in words
    :param one_order: what a connection publishes to several channels comes in its order
    :ivar disturbed: the tick of the last disturbance of storage
    """

    def __init__(self, one_order: bool = True) -> None:
        self.one_order = one_order
        self.faults: list[str] = []
        self.disturbed = 0
        self.witnesses: dict[str, Witness] = {}
        self.channels: dict[str, Channel] = {}
        self.members: dict[str, Members] = {}
        self._ticks = 0
        self._publications: dict[int, Publication] = {}
        self._counted: Counter[str] = Counter()
        self._last_counts: dict[str, int] = {}

    def fault(self, text: str) -> None:
        self.faults.append(text)

    def tick(self) -> int:
        """What happens now is later than all before."""
        self._ticks += 1
        return self._ticks

    # What is published.

    def channel(self, name: str, kept: bool = False) -> Channel:
        """A channel; the first time it is told whether it keeps history."""
        if name not in self.channels:
            self.channels[name] = Channel(name, kept)
        return self.channels[name]

    def publish(self, channel: str, publisher: str = "") -> Publication:
        """Somebody begins to publish.

        :param publisher: by this connection, in the order of its publications; "": in none
        """
        tick = self.tick()
        publication = self._publications[tick] = self.channel(channel).begin(tick, tick)
        publication.publisher = publisher
        return publication

    def publication(self, number: int) -> Publication | None:
        return self._publications.get(number)

    def confirmed(self, publication: Publication, position: Position | None = None) -> None:
        """Whoever has published it was told that it is."""
        fault = self.channel(publication.channel).confirm(publication, self.tick(), position)
        if fault:
            self.fault(fault)

    def refused(self, publication: Publication) -> None:
        """Whoever wanted to publish it was told that it is not."""
        publication.refused = True
        if publication.position is not None:
            self.fault(f"{publication} was refused, and stands at {publication.position}")

    def lost(self, publications: Iterable[Publication]) -> None:
        """Storage has lost these, or may have: nobody needs to get them."""
        for each in publications:
            each.lost = True

    def history(self, channel: str, found: Sequence[tuple[int, Position]], limit: int = 0, young: int = 0) -> None:
        """What storage keeps of a channel, oldest first: nothing is missing behind the oldest.

        :param limit: so many it may keep at most; 0: any number
        :param young: the tick from which on what was begun is not too old to be kept
        """
        truth = self.channel(channel)
        if limit:
            self.within(f"history of {channel}", len(found), limit)
        for number, position in found:
            fault = truth.place(self._publications[number], position)
            if fault:
                self.fault(f"in the history: {fault}")
        numbers = {number for number, _ in found}
        full = limit and len(found) >= limit
        # Of those that were published while the oldest was, nobody knows which came first.
        oldest = self._publications[found[0][0]].confirmed if full else 0
        for each in truth.publications:
            if each.is_due and each.number not in numbers and oldest is not None and each.begun > max(oldest, young):
                self.fault(f"{each} was confirmed, and is not in the history")

    def disturb(self) -> None:
        """Storage was cut off, or what was on its way to a node: the order over several channels is not promised."""
        self.disturbed = self.tick()

    # What is seen.

    def witness(self, name: str) -> Witness:
        if name not in self.witnesses:
            self.witnesses[name] = Witness(name, self)
        return self.witnesses[name]

    def members_of(self, channel: str) -> Members:
        if channel not in self.members:
            self.members[channel] = Members(channel, self)
        return self.members[channel]

    def counted(self, node: str, losses: int) -> None:
        """What a node has counted of losses, in all."""
        if losses > self._counted[node]:
            self._counted[node] = losses
            self._last_counts[node] = self.tick()

    def last_count(self, node: str) -> int:
        """The tick at which this node's count of losses was last seen to grow; 0: never."""
        return self._last_counts.get(node, 0)

    def judge(self) -> None:
        """Every loss up to now was told (`counted`)."""
        for each in self.members.values():
            each.judge()

    # What holds at any time, and at rest.

    def within(self, limit: str, found: float, most: float) -> None:
        """What a limit bounds."""
        if found > most:
            self.fault(f"{limit} is {most:g}, and there are {found:g}")

    def nothing_left(self, of: str, found: Mapping[str, object]) -> None:
        """What is still there of something that has ended, by what it is: all of that must be empty."""
        for what, left in found.items():
            if left:
                self.fault(f"left of {of}: {what} {left!r}")

    def rest(self, members: Mapping[str, set[str]] | None = None) -> None:
        """All goes well, and everything that can come has come.

        :param members: those that storage lists, by channel
        """
        for witness in self.witnesses.values():
            witness.rest()
        listed = members or {}
        for name in listed:
            self.members_of(name)
        for name, each in self.members.items():
            each.rest(listed.get(name))

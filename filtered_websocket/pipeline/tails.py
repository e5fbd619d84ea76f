"""The tails of a pipeline's channels on this node, within their limits.

A channel has one while it keeps history and this node follows it: from the position that storage has confirmed, or
from the first publication that has one. Positions only grow in it. What this node has heard already is dropped, and of
what it has not heard it is told (`lost`).
"""

from collections import OrderedDict
from collections.abc import Callable, Collection, Container, Sequence

from filtered_websocket.chain.interfaces import Options
from filtered_websocket.messages.publication import Position, Publication
from filtered_websocket.pipeline.tail import Entry, Tail


class Tails:
    """
    :param followed: names of channels that this node follows
    :ivar lost: called with a channel and where it stands now, when something before that was never heard
    :ivar moved: called with a channel's name when it has moved on, of those in `watched`
    :ivar watched: names of channels that somebody waits on
    """

    def __init__(self, *followed: Container[str]) -> None:
        self._followed = followed
        self._tails: dict[str, Tail] = {}
        # All entries of tails that nobody has pinned, in the order they came, and what they cost.
        self._order: OrderedDict[Entry, None] = OrderedDict()
        self._bytes = 0
        self.most_publications = self.most_bytes = self.most_bytes_of_all = 0
        self.lost: Callable[[str, Position | None], object] = self.stand_anew
        self.moved: Callable[[str], object] = lambda channel: None
        self.watched: set[str] = set()
        # Of channels that were left and are followed anew while something of before still waits for consumer filters.
        self._stale: dict[str, object] = {}

    def __len__(self) -> int:
        return len(self._tails)

    def __contains__(self, channel: object) -> bool:
        return channel in self._tails

    def limit(self, options: Options) -> None:
        """Take the limits from a pipeline's options."""
        self.most_publications, self.most_bytes = options.recovery_publications, options.recovery_bytes
        self.most_bytes_of_all = options.recovery_tails

    def get(self, channel: str) -> Tail | None:
        return self._tails.get(channel)

    def stand(self, channel: str, position: Position) -> None:
        """Storage says where this node stands on a channel; what it has heard meanwhile says it better."""
        if channel not in self._tails and self._follows(channel):
            self._tails[channel] = Tail(channel, position)

    def is_stale(self, channel: str) -> bool:
        """Whether what comes of a channel now is of before it was left."""
        return channel in self._stale

    def stand_anew(self, channel: str, position: Position | None) -> None:
        """What this node has heard before leads no further; None: nobody knows where it stands."""
        if position is None:
            self.forget(channel)
        elif (tail := self._tails.get(channel)) is None:
            self.stand(channel, position)
        else:
            self._begin(tail, position)

    def forget(self, channel: str) -> None:
        """This node does not follow it any more, or knows nothing of it."""
        tail = self._tails.pop(channel, None)
        if tail is not None:
            self._begin(tail, tail.position)

    def begin(self, channel: str, in_order: Callable[[Callable[[], object]], object]) -> None:
        """A channel is followed from now on: what is still to come of before is not of this time.

        :param in_order: calls when that has come
        """
        mark = self._stale[channel] = object()

        def end() -> None:
            if self._stale.get(channel) is mark:
                del self._stale[channel]

        in_order(end)

    def take(self, channel: str, position: Position, publication: Publication | None, exclude: Collection[str]) -> bool:
        """A publication is delivered, or was dropped by the consumer chain. False if it was heard before."""
        if self._stale and channel in self._stale:
            return False  # it was heard before this node left the channel
        epoch, offset = position
        tail = self._tails.get(channel)
        if tail is None or offset != tail.top + 1 or epoch != tail.epoch:
            before = Position(epoch, offset - 1)
            if tail is None:
                self.stand(channel, before)
            elif epoch != tail.epoch:
                # Storage has proven that nothing is missing between the two.
                self._begin(tail, before)
            elif offset <= tail.top:
                return False
            else:
                self.lost(channel, before)
            tail = self._tails.get(channel)
            if tail is None:
                return True
        entry = tail.append(publication, exclude)
        if tail.pins:
            while len(tail.entries) > 2 * self.most_publications or tail.bytes > 2 * self.most_bytes:
                tail.drop_oldest()
                tail.far = tail.base
        else:
            self._order[entry] = None
            self._bytes = size = self._bytes + entry.cost
            if (
                size > self.most_bytes_of_all
                or entry.end - tail.start > self.most_bytes
                or len(tail.entries) > self.most_publications
            ):
                self._trim(tail)
        if self.watched and channel in self.watched:
            self.moved(channel)
        return True

    def skip(self, channel: str, position: Position) -> None:
        """This node has lost something itself, up to this position, behind all that it has delivered."""
        tail = self._tails.get(channel)
        if tail is not None and (tail.epoch != position.epoch or tail.top < position.offset):
            self.lost(channel, position)

    def expire(self, tail: Tail, count: int, seconds: float) -> None:
        """What a channel keeps no longer is not given back. What was read of it is read again, if nobody needs it now.

        :param count: how many it keeps
        :param seconds: for how long; 0: whatever their age
        """
        unsure = tail.expire(count, seconds)
        if not tail.pins:
            for _ in range(unsure):
                self._drop_oldest(tail)

    def pin(self, tail: Tail) -> None:
        """Keep what there is, and what comes, until it is let go, which is once for each pin."""
        if not tail.pins:
            self._take_out(tail.entries)
        tail.pins += 1

    def let_go(self, tail: Tail) -> None:
        tail.pins -= 1
        if not tail.pins and self._tails.get(tail.channel) is tail:
            for entry in tail.entries:
                self._order[entry] = None
                self._bytes += entry.cost
            self._trim(tail)

    def _follows(self, channel: str) -> bool:
        return any(channel in names for names in self._followed)

    def _begin(self, tail: Tail, position: Position) -> None:
        entries = tail.begin(position)
        if not tail.pins:
            self._take_out(entries)

    def _take_out(self, entries: Collection[Entry] | Sequence[Entry]) -> None:
        for entry in entries:
            del self._order[entry]
            self._bytes -= entry.cost

    def _trim(self, tail: Tail) -> None:
        while tail.entries and (len(tail.entries) > self.most_publications or tail.bytes > self.most_bytes):
            self._drop_oldest(tail)
            tail.far = tail.base
        while self._bytes > self.most_bytes_of_all:
            self._drop_oldest(next(iter(self._order)).tail)

    def _drop_oldest(self, tail: Tail) -> None:
        entry = tail.drop_oldest()
        del self._order[entry]
        self._bytes -= entry.cost

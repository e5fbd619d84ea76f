"""This node's channels, their subscribers, and the fan-out.

Rules:

1. A publication is framed once, however many subscribers it has.
2. What is published to a channel in one reactor turn is joined and sent as one blob to each subscriber at the turn's
   end; a turn's blob is bounded (`TURN_BYTES`), a larger one is sent early.
3. Order is a promise per channel, and for a subscriber over all the channels it is in. Of a subscriber's channels at
   most one waits (`waiting.Waiting`). When a second one is published to, what the first holds is collected: each
   subscriber holds it back, and what comes behind it in this turn (`corks.collect`).
4. Before a subscriber is sent to alone, or closed, `settle` collects what waits for it, and a join or a leave collects
   what the channel holds. What then writes past what a subscriber holds back has that sent first (`uncork`).
5. The fast road is a list of bound ``socket.send``, or of TLS's ``send``, for each encoding. Only subscribers whose
   `direct` is not None are on it: open, uncompressed, nothing waiting. `refresh` drops it, and it is built anew.
6. What is published while something is delivered is published when that has been delivered.
7. Of channels that keep history what was published stands in their tails (`tails.Tails`) from the same moment: one that
   joins has had what the tail holds, and gets what comes behind it.
"""

from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import chain, repeat
from typing import cast

from filtered_websocket.chain.subscriber import Send, Subscriber
from filtered_websocket.messages.batch import Batch, joined
from filtered_websocket.messages.message import Message
from filtered_websocket.messages.publication import Position, Publication
from filtered_websocket.pipeline.channel import HEAD, Channel
from filtered_websocket.pipeline.corks import MAX_COLLECTED, MAX_CORKED, Corked, collect, release
from filtered_websocket.pipeline.fan_out import fan_out
from filtered_websocket.pipeline.tails import Tails
from filtered_websocket.pipeline.waiting import Waiting

TURN_BYTES = 256 * 1024
"""The most a channel collects before it is flushed within a turn: bounds memory and latency."""


Kept = tuple[Position, Publication | None]
"""Where a publication stands in history, and what the consumer chain has left of it."""


class Hub:
    """The channels of one pipeline on this node.

    :param at_turn_end: runs a callable once at the end of the reactor's turn
    :param policy: gives a channel's slow-client policy by its name
    """

    def __init__(
        self,
        at_turn_end: Callable[[Callable[[], object]], object],
        policy: Callable[[str], str] = lambda channel: "disconnect",
    ) -> None:
        self.channels: dict[str, Channel] = {}
        #: the subscribers that are to join channels when they have been given what they missed, by id
        self.recovering: dict[str, Mapping[str, object]] = {}
        self.tails = Tails(self.channels, self.recovering)
        self.dirty: list[Channel] = []
        #: connections that hold something back in this turn: it was sent before what is flushed here
        self.corked: list[Corked] = []
        self.publications = 0
        self.deliveries = 0
        self.bytes_out = 0
        self._at_turn_end = at_turn_end
        self._policy = policy
        self._waiting = Waiting()
        # Bytes that were copied to collect what connections hold back.
        self._collected = 0
        self._delivering = self._publishing = False
        self._later: deque[tuple[str, Sequence[Message], Collection[str], Kept | None]] = deque()

    def join(self, name: str, subscriber: Subscriber, like: str = "") -> bool:
        """Add a subscriber; joining twice is joining once. True if it is the channel's first.

        :param like: the channel whose policy for slow clients it has, if not its own

        One that comes with the id of another takes its place: an id is a client's identity.
        """
        channel = self._emptied(name)
        first = channel is None
        if channel is None:
            channel = self.channels[name] = Channel(name, self._policy(like or name))
        former = channel.subscribers.setdefault(subscriber.id, subscriber)
        if former is not subscriber:
            former.channels.discard(name)
            channel.subscribers[subscriber.id] = subscriber
        channel.arranged = None
        self._waiting.joined = True
        if isinstance(subscriber.channels, frozenset):  # a connection's, until it is in its first
            subscriber.channels = set()
        subscriber.channels.add(name)
        if len(subscriber.channels) > 1:
            self._mix(subscriber)
        if self._later:
            self._publish_later()
        return first

    def join_behind(self, names: Iterable[str], answer: Callable[[], Iterable[tuple[str, Subscriber]]]) -> None:
        """Answer subscribers, and let them join, with nothing published in between.

        :param names: of the channels
        :param answer: answers them; which of them still want to join what
        """
        for name in names:
            self._emptied(name)
        outermost, self._delivering = not self._delivering, True
        try:
            for name, subscriber in answer():
                self.join(name, subscriber)
        finally:
            self._delivering = not outermost
            self._publish_later()

    @property
    def is_delivering(self) -> bool:
        """Whether what is published now waits until something is delivered."""
        return self._delivering

    def forget(self, name: str) -> None:
        """Give nobody any more what was heard of a channel before: its history was cleared."""
        tail = self.tails.get(name)
        if tail is not None:
            self.tails.stand_anew(name, tail.position)

    def position(self, name: str) -> Position | None:
        """Where this node stands in a channel's history: what it has delivered. None if it does not follow any."""
        tail = self.tails.get(name)
        return None if tail is None else tail.position

    def epoch(self, name: str) -> str | None:
        """That of where this node stands: `position`, for those that ask for every publication."""
        tail = self.tails.get(name)
        return None if tail is None else tail.epoch

    def _mix(self, subscriber: Subscriber) -> None:
        """From now on what is published to these channels reaches a subscriber in the order of the publications."""
        for name in tuple(subscriber.channels):
            channel = self.channels.get(name)
            if channel is not None and not channel.mixed:
                self._emptied(name)
                channel.mixed = True

    def leave(self, name: str, subscriber: Subscriber) -> bool:
        """Remove a subscriber; what was published before still reaches it. True if it was the channel's last."""
        channel, last = self._emptied(name), False
        if channel is not None and channel.subscribers.get(subscriber.id) is subscriber:
            del channel.subscribers[subscriber.id]
            channel.arranged = None
            subscriber.channels.discard(name)
            last = not channel.subscribers
            if last:
                del self.channels[name]
        self._publish_later()
        return last

    def _emptied(self, name: str) -> Channel | None:
        """A channel of which nothing waits; what is published meanwhile is published later (`_publish_later`)."""
        channel = self.channels.get(name)
        if channel is None or not channel.pending:
            return channel
        self._collect((channel,))
        # What it held may have made its last subscriber leave.
        return self.channels.get(name)

    def subscribers(self, name: str) -> Collection[Subscriber]:
        """This node's subscribers of a channel."""
        channel = self.channels.get(name)
        return () if channel is None else channel.subscribers.values()

    def refresh(self, subscriber: Subscriber) -> None:
        """A subscriber's `direct` has changed."""
        for name in subscriber.channels:
            channel = self.channels.get(name)
            if channel is not None:
                channel.arranged = None

    def publish(
        self, name: str, messages: Sequence[Message], exclude: Collection[str] = (), kept: Kept | None = None
    ) -> None:
        """Hand messages to a channel's local subscribers, but those with the excluded ids, at the end of this turn.

        :param kept: of a channel that keeps history. What was heard before is not handed out again
        """
        if self._delivering:
            self._later.append((name, messages, exclude, kept))
            return
        if kept is not None and not (self.tails.take(name, *kept, exclude) and messages):
            return
        self.publications += 1
        channel = self.channels.get(name)
        if channel is None:
            return
        if not channel.pending:
            if channel.mixed and (before := self._waiting.begin(channel)):
                self._collect(before)
                while self._waiting.joined:  # by one that was delivered to, and that may wait for others
                    self._collect(self._waiting.begin(channel))
            if not self.dirty:
                self._at_turn_end(self.flush)
            self.dirty.append(channel)
            channel.pending = [messages]
        else:
            channel.pending.append(messages)
        if exclude:
            channel.exclude(exclude)
        size = channel.pending_bytes
        for payload, _ in messages:
            size += len(payload) + HEAD
        channel.pending_bytes = size
        if size > TURN_BYTES:
            self._flush(channel)
        if self._later:
            self._publish_later()

    def _collect(self, channels: Iterable[Channel]) -> None:
        """Collect what these channels hold; what is published meanwhile comes behind what this is done for."""
        publishing, self._publishing = self._publishing, True
        try:
            for channel in channels:
                self._flush(channel, collecting=True)
        finally:
            self._publishing = publishing

    def _publish_later(self) -> None:
        """Publish what was published while something was delivered."""
        if self._later and not self._publishing and not self._delivering:
            self._publishing = True
            try:
                while self._later:
                    self.publish(*self._later.popleft())
            finally:
                self._publishing = False

    def settle(self, subscriber: Subscriber) -> None:
        """Let a subscriber have what its channels hold, sent or held back: what is sent to it next comes behind."""
        names, waiting = subscriber.channels, self._waiting
        channel = waiting.channel_for(subscriber.id) if len(names) > 1 else next(map(self.channels.get, names), None)
        if channel is not None and channel.pending:
            self._flush(channel, collecting=True)

    def cork(self, connection: Corked) -> None:
        """Have a connection's `uncork` called at the end of this turn, or before something is flushed."""
        if not self.corked:
            self._at_turn_end(self.uncork)
        self.corked.append(connection)

    def uncork(self) -> None:
        """Send what connections hold back."""
        corked, self.corked, self._collected = self.corked, [], 0
        self.bytes_out += release(corked)

    def flush(self) -> None:
        """Send what this turn has published."""
        dirty, self.dirty = self.dirty, []
        for channel in dirty:
            if channel.pending:
                # Behind what is held back, in the same send: where most of its subscribers hold something back.
                self._flush(channel, self._collected > 0 or 2 * len(self.corked) > len(channel.subscribers))
        while self._collected:
            self.uncork()
        if self._waiting.few:
            self._waiting.renew(self.dirty)

    def _flush(self, channel: Channel, collecting: bool = False) -> None:
        """Send what a channel holds, or have it held back by its subscribers."""
        if collecting:
            collecting = channel.pending_bytes <= MAX_CORKED and self._collected <= MAX_COLLECTED
        if self.corked and not collecting:
            self.uncork()
        groups, missed = channel.pending, channel.missed() if channel.excluded else {}
        channel.pending, channel.pending_bytes, channel.excluded = (), 0, ()
        self.deliveries += sum(map(len, groups)) * len(channel.subscribers)
        if missed:
            self.deliveries -= sum(map(len, map(groups.__getitem__, chain.from_iterable(missed.values()))))
        sends, owners, others, encoded = channel.roads(missed) if missed else channel.arranged or channel.roads(())
        if not others and not missed and not encoded:
            self._send(sends, owners, joined(groups), collecting)
            return
        batch = Batch(channel.name, groups)
        if sends:
            self._send(sends, owners, batch.plain, collecting)
        for road in encoded:
            self._send(road.sends, road.owners, batch.plain_in(road.encoding), collecting)
        takers: list[tuple[Subscriber, Batch]] = list(zip(others, repeat(batch)))
        for subscriber, rest in channel.rests(batch, missed):
            owner, direct = cast(Corked, subscriber), subscriber.direct
            if direct is None:
                takers.append((subscriber, rest))
            else:
                self._send([direct], [owner], rest.plain_in(owner.encoding), collecting)
        if takers:
            self._deliver(channel, takers)

    def _send(self, sends: list[Send], owners: list[Corked], blob: bytes, collecting: bool) -> None:
        if not collecting:
            self.bytes_out += len(blob) * len(sends)
            fan_out(sends, owners, blob)
            return
        # `flush` is yet to come in this turn, or under way.
        copied, full = collect(self.corked, owners, blob)
        self._collected += copied
        if full:
            self.bytes_out += release(full)

    def _deliver(self, channel: Channel, takers: Iterable[tuple[Subscriber, Batch]]) -> None:
        """Let subscribers take what is theirs."""
        outermost, self._delivering = not self._delivering, True
        try:
            for subscriber, batch in takers:
                channel.deliver(subscriber, batch)
        finally:
            self._delivering = not outermost
        self._publish_later()

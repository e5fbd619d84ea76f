"""This node's channels, their subscribers, and the fan-out.

Rules:

1. A publication is framed once, however many subscribers it has.
2. What is published to a channel in one reactor turn is joined and sent as one blob to each subscriber at the turn's
   end; a turn's blob is bounded (`TURN_BYTES`), a larger one is sent early.
3. Order is a promise per channel, and for a subscriber over all the channels it is in: of the channels that share
   subscribers (`mixed`) only one waits at a time. Whoever writes to a subscriber directly, closes it, or changes a
   channel's members calls `settle` or has it called: the channels concerned are flushed first.
4. The fast road is a list of bound ``socket.send``. Only subscribers whose `direct` is not None are on it: open, plain,
   uncompressed, nothing waiting. When that changes, `refresh` drops the list and it is built anew.
5. Nothing is formatted, logged or allocated per subscriber in the loop.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from operator import length_hint

from twisted.logger import Logger

from filtered_websocket.chain.interfaces import Send, Subscriber
from filtered_websocket.messages.batch import PLAIN, Batch, Rest
from filtered_websocket.messages.message import Message
from filtered_websocket.pipeline.channel import Channel, Corked

_log = Logger()

TURN_BYTES = 256 * 1024
"""The most a channel collects before it is flushed within a turn: bounds memory and latency."""


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
        self.dirty: list[Channel] = []
        #: connections that hold back what was sent to them alone in this turn: it was sent before what is flushed here
        self.corked: list[Corked] = []
        self.publications = 0
        self.deliveries = 0
        self.bytes_out = 0
        self._at_turn_end = at_turn_end
        self._policy = policy
        self._mixed: Channel | None = None

    def join(self, name: str, subscriber: Subscriber) -> bool:
        """Add a subscriber; joining twice is joining once. True if it is the channel's first.

        One that comes with the id of another takes its place: ids are who somebody is.
        """
        channel = self.channels.get(name)
        first = channel is None
        if channel is None:
            channel = self.channels[name] = Channel(name, self._policy(name))
        elif channel.pending:
            self._flush(channel)
        former = channel.subscribers.get(subscriber.id, subscriber)
        if former is not subscriber:
            former.channels.discard(name)
        channel.subscribers[subscriber.id] = subscriber
        channel.sends = None
        subscriber.channels.add(name)
        if len(subscriber.channels) > 1:
            self._mix(subscriber)
        return first

    def _mix(self, subscriber: Subscriber) -> None:
        """From now on what is published to these channels reaches somebody in the order of the publications."""
        for name in subscriber.channels:
            channel = self.channels.get(name)
            if channel is not None and not channel.mixed:
                if channel.pending:
                    self._flush(channel)
                channel.mixed = True

    def leave(self, name: str, subscriber: Subscriber) -> bool:
        """Remove a subscriber; what was published before still reaches it. True if it was the channel's last."""
        channel = self.channels.get(name)
        if channel is None or channel.subscribers.get(subscriber.id) is not subscriber:
            return False
        if channel.pending:
            self._flush(channel)
        del channel.subscribers[subscriber.id]
        channel.sends = None
        subscriber.channels.discard(name)
        if channel.subscribers:
            return False
        del self.channels[name]
        return True

    def subscribers(self, name: str) -> Collection[Subscriber]:
        """This node's subscribers of a channel."""
        channel = self.channels.get(name)
        return () if channel is None else channel.subscribers.values()

    def publish(self, name: str, messages: Sequence[Message], exclude: Collection[str] = ()) -> None:
        """Hand messages to a channel's local subscribers at the end of this turn.

        :param exclude: ids of subscribers that get nothing
        """
        self.publications += 1
        channel = self.channels.get(name)
        if channel is None:
            return
        pending = channel.pending
        if not pending:
            if channel.mixed:
                # At most one mixed channel waits: a sender's publications to two of them keep their order.
                if self._mixed is not None and self._mixed.pending:
                    self._flush(self._mixed)
                self._mixed = channel
            if not self.dirty:
                self._at_turn_end(self.flush)
            self.dirty.append(channel)
        pending.append((messages, exclude))
        for payload, _ in messages:
            channel.pending_bytes += len(payload)
        if channel.pending_bytes > TURN_BYTES:
            self._flush(channel)

    def settle(self, subscriber: Subscriber) -> None:
        """Flush the channels of a subscriber that is about to be written to directly."""
        for name in subscriber.channels:
            channel = self.channels.get(name)
            if channel is not None and channel.pending:
                self._flush(channel)

    def refresh(self, subscriber: Subscriber) -> None:
        """A subscriber's `direct` has changed."""
        for name in subscriber.channels:
            channel = self.channels.get(name)
            if channel is not None:
                channel.sends = None

    def cork(self, connection: Corked) -> None:
        """Have a connection's `uncork` called at the end of this turn, or before something is flushed."""
        if not self.corked:
            self._at_turn_end(self.uncork)
        self.corked.append(connection)

    def uncork(self) -> None:
        """Send what connections hold back: past them, where they are on the fast road."""
        corked, self.corked = self.corked, []
        bytes_out = 0
        for connection in corked:
            try:
                held, send = connection.corked, connection.direct
                if send is None or not held:
                    connection.uncork()
                    continue
                connection.corked = b""
                bytes_out += len(held)
                try:
                    sent = send(held)
                except OSError:  # BlockingIOError among them: see `_send`
                    sent = 0
                if sent != len(held):
                    connection.finish(held, sent)
            except Exception:
                # One that fails must not keep the others from what was sent to them.
                _log.failure("a connection failed to send what it held back, which is lost for it")
        self.bytes_out += bytes_out

    def flush(self) -> None:
        """Send what this turn has published."""
        dirty, self.dirty = self.dirty, []
        for channel in dirty:
            if channel.pending:
                self._flush(channel)

    def _flush(self, channel: Channel) -> None:
        if self.corked:
            self.uncork()
        pending, channel.pending, channel.pending_bytes = channel.pending, [], 0
        groups = [messages for messages, _ in pending]
        batch = Batch(channel.name, groups)
        count = sum(map(len, groups))
        members = channel.subscribers
        sends = channel.sends
        if sends is None:
            sends = channel.arrange()
        others: Iterable[Subscriber] = channel.others
        owners = channel.owners
        missed = channel.missed(pending)
        if missed:
            sends, owners = sends.copy(), owners.copy()
            for place in sorted([channel.places[name] for name in missed if name in channel.places], reverse=True):
                del sends[place], owners[place]
            others = [subscriber for subscriber in others if subscriber.id not in missed]
        self.deliveries += count * (len(members) - len(missed))
        rests = [(members[name], places) for name, places in missed.items() if len(places) < len(groups)]
        for subscriber, places in rests:
            self.deliveries += count - sum([len(groups[place]) for place in places])
            direct = subscriber.direct
            if direct is None:
                channel.deliver(subscriber, Rest(batch, places))
            else:
                self._send([direct], [subscriber], batch.cut(PLAIN, places))
        if sends:
            self._send(sends, owners, batch.plain)
        for subscriber in others:
            channel.deliver(subscriber, batch)

    def _send(self, sends: list[Send], owners: list[Subscriber], blob: bytes) -> None:
        size = len(blob)
        self.bytes_out += size * len(sends)
        road = iter(sends)
        while True:
            try:
                for send in road:
                    sent = send(blob)
                    if sent != size:
                        break
                else:
                    return
            except BlockingIOError:
                sent = 0
            except OSError:
                # The transport meets the same error when it writes what is left, where Twisted ends connections.
                sent = 0
            place = len(sends) - length_hint(road) - 1
            owners[place].finish(blob, sent)

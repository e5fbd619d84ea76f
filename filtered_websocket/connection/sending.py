"""The way out of one connection.

A connection whose bytes the kernel takes has no buffer of ours. When the kernel refuses, it is blocked until its buffer
has drained. While it is blocked,

1. more than ``send_buffer`` bytes behind the largest message that waits, or nothing taken for ``send_timeout``, is too
   slow: a client that goes on reading gets every message, however large;
2. what is lost then is the channel's policy: the connection (``disconnect``), what comes (``drop-new``), the oldest of
   what was not yet sent (``drop-old``), or all of a channel but its newest message (``latest``);
3. what is sent to the connection itself is never dropped: the connection is, if it must be;
4. every loss is counted and logged, never silent.
"""

from typing import Any

from filtered_websocket.chain.subscriber import Send
from filtered_websocket.connection.autobahn import OPEN
from filtered_websocket.connection.parts import Part
from filtered_websocket.connection.slow_reader import SlowReader, in_transport
from filtered_websocket.limits.backlog import Blob
from filtered_websocket.messages import frames
from filtered_websocket.messages.batch import Batch
from filtered_websocket.messages.message import in_binary_message, is_text, outgoing
from filtered_websocket.pipeline.corks import MAX_CORKED
from filtered_websocket.transport.sends import bound_send
from filtered_websocket.transport.streams import WriteThrough


class Sending(Part):
    """What a connection sends."""

    corked: bytes
    """Frames that are held back: the hub sends them at the turn's end (`pipeline.corks`)."""
    direct: Send | None
    """The socket's own send, or that of TLS, while plain frames may go out by it: see `redirect`."""
    slow: SlowReader | None
    """What waits for this client, while the connection is blocked."""
    stream: WriteThrough | None = None

    def sendMessage(self, payload: Any, isBinary: bool | None = None, *_: Any) -> None:
        """Send one message; on a connection that is closing it is counted as dropped.

        :param payload: str, or bytes of the kind that `message.message` finds
        :raises TypeError: neither
        """
        data, binary = payload, isBinary
        if binary is None and type(payload) is bytearray:  # what a message filter sends back, without a second call
            binary = in_binary_message.get() or not (payload.isascii() or is_text(payload))
        else:
            data, binary = outgoing(payload, isBinary)
        if self.encoding is not None:
            self.send_encoded(self.encoding.encode(((bytes(data), binary),), None))
            return
        if self.direct is None and self.state != OPEN:
            self.factory.counters.count("dropped", "sent to a closed connection")
            return
        hub = self.pipeline.hub
        hub.deliveries += 1
        if hub.dirty:
            hub.settle(self)
        if self.direct is None or self.corked:
            self.send_frame(data, binary)
        elif len(data) > MAX_CORKED:
            self._send_large(data, binary)
        else:
            # What `send_frame` does, for what most messages are.
            self.corked = frames.make(data, binary)
            if hub.corked:
                hub.corked.append(self)
            else:
                hub.cork(self)

    def _send_large(self, payload: bytes | bytearray, binary: bool) -> None:
        """Send a message behind which nothing waits, now: it is copied to the kernel alone."""
        head = frames.head_for(payload, binary)
        self.pipeline.hub.bytes_out += len(head) + len(payload)
        self.transport.write_framed(head, payload)

    def send_frame(self, payload: bytes | bytearray, binary: bool) -> None:
        """Send one message to this connection alone."""
        bits = self._perMessageCompress and self._perMessageCompress.server_max_window_bits
        blob = frames.make_deflated(payload, binary, bits) if bits else frames.make(payload, binary)
        held = self.corked
        if self.slow is not None:
            self.pipeline.hub.bytes_out += len(blob)
            self.queue_blob(blob, self.slow)
            return
        if not held:
            self.pipeline.hub.cork(self)
        self.corked = held = held + blob
        if len(held) > MAX_CORKED:
            self.uncork()

    def uncork(self) -> None:
        """Send what was held back. Whatever else writes to this connection does this first."""
        held, self.corked = self.corked, b""
        if held and self.state == OPEN:
            self.pipeline.hub.bytes_out += len(held)
            if self.slow is not None:
                self.queue_blob(held, self.slow)
            else:
                self.write_blob(held)

    def sendData(self, data: bytes, sync: bool = False, chopsize: int | None = None) -> None:
        # A pong or a close frame must not overtake what was sent or published before it.
        if self.opened and self.pipeline.hub.dirty:
            self.pipeline.hub.settle(self)
        self.uncork()
        super().sendData(data)
        if self.slow is not None and self.state == OPEN:
            self._check_room(self.slow)  # pings without end from a client that reads none of the pongs

    # What the hub calls.

    def deliver(self, batch: Batch, policy: str) -> None:
        """Take messages of a channel."""
        if self.state != OPEN:
            return
        if self.corked:
            self.uncork()
        if self.encoding is not None:
            batch = batch.in_encoding(self.encoding)
        slow = self.slow
        if slow is None:
            self.write_blob(self.as_blob(batch))
        elif policy == "disconnect":
            self.queue_blob(self.as_blob(batch), slow)
        elif policy == "drop-new":
            blob = self.as_blob(batch)
            if slow.has_room_for(blob, self.pipeline.options.send_buffer):
                self.queue_blob(blob, slow)
            else:
                self._lost(len(batch.groups), policy)
        else:
            groups, room = batch.split(), self.pipeline.options.send_buffer
            kept = groups[-1:] if policy == "latest" else groups
            blobs = [self.as_blob(each) for each in kept]
            self._lost(len(groups) - len(kept) + slow.hold_back(batch.channel, blobs, policy, room), policy)
            self._check_room(slow)

    def as_blob(self, batch: Batch) -> bytes:
        """Its frames, as they were agreed on; they are counted as sent."""
        deflate = self._perMessageCompress
        blob = batch.plain if deflate is None else batch.deflated(deflate.server_max_window_bits)
        self.pipeline.hub.bytes_out += len(blob)
        return blob

    def _lost(self, count: int, policy: str) -> None:
        for _ in range(count):
            self.factory.counters.count("dropped", f"slow client, {policy}")

    def finish(self, blob: bytes, sent: int) -> None:
        """The hub's send of this blob went out in part: the rest waits in the transport."""
        self.write_blob(memoryview(blob)[sent:])

    # The transport.

    def watch_transport(self) -> None:
        """Learn from the transport (beneath TLS, the one that TLS writes to) whether it keeps up."""
        stream = self.transport
        if not isinstance(stream, WriteThrough):
            stream = getattr(stream, "transport", None)
        if isinstance(stream, WriteThrough):
            self.stream = stream
            stream.watcher = self

    def leave_transport(self) -> None:
        """Learn no more from it: it is lost, or another protocol's."""
        self.factory.blocked.discard(self)
        if self.stream is not None:
            self.stream.watcher = None
            self.stream = self.slow = None
            self.redirect()

    def redirect(self) -> None:
        """Find `direct` anew: whatever it depends on has changed."""
        stream, transport = self.stream, self.transport
        self.direct = None
        if (
            self.state == OPEN
            and self.slow is None
            and self._perMessageCompress is None
            and stream is not None
            and stream.connected
            # Of the frame that an aborted transport has begun the rest never comes: nothing may take its place.
            and not stream.aborted
        ):
            self.direct = bound_send(stream.fileno) if stream is transport else transport.send
        if self.channels:
            self.pipeline.hub.refresh(self)

    @property
    def pending(self) -> int:
        """Bytes that wait for this client."""
        if self.slow is not None:
            return self.slow.pending
        return 0 if self.stream is None else in_transport(self.stream, self.transport)

    def write_blob(self, blob: bytes | memoryview) -> None:
        """Have the transport write a message, and remember how large it is if it waits."""
        slow = self.slow
        begin = 0 if slow is None else slow.end()
        self.transport.write(blob)
        if slow is not None:
            slow.written(begin)

    def queue_blob(self, blob: bytes, slow: SlowReader) -> None:
        """Write behind what waits, within the limit."""
        if not slow.has_room_for(blob, self.pipeline.options.send_buffer):
            self._too_much()
        elif slow.backlog:
            slow.backlog.add(Blob(None, blob))
        else:
            self.write_blob(blob)

    def _check_room(self, slow: SlowReader) -> None:
        """Judge what has been written past the policies, or cannot be dropped."""
        if slow.behind(self.pipeline.options.send_buffer) > self.pipeline.options.send_buffer:
            self._too_much()

    def transport_blocked(self) -> None:
        assert self.stream is not None
        self.slow = SlowReader(self.stream, self.transport, self.factory.reactor.seconds())
        # Nothing waited before what waits now.
        self.slow.written(self.slow.taken)
        self.factory.blocked.add(self)
        self.redirect()

    def transport_drained(self) -> None:
        slow, self.slow = self.slow, None
        self.factory.blocked.discard(self)
        self.redirect()
        if slow is not None and self.state == OPEN:
            for kept in slow.backlog:
                self.write_blob(kept.blob)

    def write_backlog(self) -> None:
        """Give the transport what was held back: nothing of it can be dropped any more."""
        if self.slow is not None and self.state == OPEN:
            for kept in self.slow.release():
                self.write_blob(kept.blob)

    def check_age(self, now: float) -> None:
        """Called every second while blocked: has the client taken nothing for too long?"""
        seconds = float("inf") if self.pipeline is None else self.pipeline.options.send_timeout
        if self.slow is not None and self.slow.is_stuck(now, seconds):
            self.too_slow(f"nothing taken for {seconds:g} s (send_timeout)")

    def _too_much(self) -> None:
        self.too_slow(f"more than {self.pipeline.options.send_buffer} bytes wait (send_buffer)")

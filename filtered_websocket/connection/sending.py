"""The way out of one connection, and what happens when its client reads more slowly than others write.

A connection whose bytes the kernel takes has no buffer of ours. When the kernel refuses, it is blocked until its buffer
has drained. While it is blocked,

1. more than ``send_buffer`` bytes behind the largest message that waits, or nothing taken for ``send_timeout``, is too
   slow: whoever goes on reading gets every message, however large;
2. what is lost then is the channel's policy: the connection (``disconnect``), what comes (``drop-new``), the oldest of
   what was not yet sent (``drop-old``), or all of a channel but its newest message (``latest``);
3. what is sent to the connection itself is never dropped: the connection is, if it must be;
4. every loss is counted and logged, never silent.
"""

from collections import deque
from collections.abc import Sequence
from typing import Any, NamedTuple

from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure

from filtered_websocket.connection.autobahn import CLOSED, OPEN, LeanProtocol
from filtered_websocket.messages import frames
from filtered_websocket.messages.batch import Batch
from filtered_websocket.messages.message import Message
from filtered_websocket.pipeline.channel import Send
from filtered_websocket.transport.streams import LARGE, WriteThrough

MAX_CORKED = 16 * 1024
"""Bytes that are held back for one connection until the turn ends."""


class _Kept(NamedTuple):
    """One entry of a backlog; the channel is None for what was sent to the connection itself."""

    channel: str | None
    blob: bytes


class Backpressure(LeanProtocol):
    """The sending half of a connection."""

    pipeline: Any
    blocked: bool
    _stream: Any = None
    corked: bytes
    """Frames that were sent to this connection alone in this turn: the hub sends them at its end."""
    direct: Send | None
    """The socket's own send, while plain frames may go out by it: see `redirect`."""
    _backlog: deque[_Kept] | None = None
    _backlog_bytes = 0
    _mark: tuple[float, int] = (0.0, 0)
    """When the kernel was last seen to take something, and how much it will have taken when it takes more."""
    _largest: tuple[int, int] = (0, 0)
    """Of the largest message in the transport: its bytes, and how much the kernel will have taken behind its last."""

    def watch_transport(self) -> None:
        """Learn from the transport (beneath TLS, the one that TLS writes to) whether it keeps up."""
        stream = self.transport
        if not isinstance(stream, WriteThrough):
            stream = getattr(stream, "transport", None)
        if isinstance(stream, WriteThrough):
            self._stream = stream
            stream.watcher = self

    def leave_transport(self) -> None:
        """Learn no more from it: it is lost, or another protocol's."""
        self.factory.blocked.discard(self)
        if self._stream is not None:
            self._stream.watcher = None
            self._stream = None
            self.redirect()

    def redirect(self) -> None:
        """Find `direct` anew: whatever it depends on has changed."""
        stream = self._stream
        fits = (
            self.state == OPEN
            and not self.blocked
            and self._perMessageCompress is None
            and stream is not None
            and stream is self.transport
            and stream.connected
            # Of the frame that an aborted transport has begun the rest never comes: nothing may take its place.
            and not stream.aborted
        )
        self.direct = stream.socket.send if fits else None
        if self.pipeline is not None:
            self.pipeline.hub.refresh(self)

    def lose_transport(self) -> None:
        """The peer has ended the connection: so does everything that lies on it."""
        (self._stream or self.transport).connectionLost(Failure(ConnectionDone()))

    @property
    def pending(self) -> int:
        """Bytes that wait for this client."""
        return (self._in_transport if self._stream is not None else 0) + self._backlog_bytes

    @property
    def _in_transport(self) -> int:
        pending: int = self._stream.pending
        return pending if self._stream is self.transport else pending + int(self.transport.waiting)

    @property
    def behind(self) -> int:
        """Bytes that wait for this client, without the largest message among them, if it is large."""
        pending = self.pending
        if pending <= self.pipeline.options.send_buffer:
            return pending  # which is all that anybody asks
        size, end = self._largest
        waiting = [len(kept.blob) for kept in self._backlog or ()]
        if self._stream is not None:
            waiting.append(min(size, end - self._stream.taken))
        return pending - max(filter(self._is_large, waiting), default=0)

    def _is_large(self, size: int) -> bool:
        return size >= min(LARGE, self.pipeline.options.send_buffer)

    def _write(self, blob: bytes | memoryview) -> None:
        """Have the transport write a message, and remember how large it is if it waits."""
        if not self.blocked:
            self.transport.write(blob)
            if self.blocked:
                # Nothing waited before.
                self._largest = (self._in_transport, self._stream.taken + self._in_transport)
            return
        before = self._stream.taken + self._in_transport
        self.transport.write(blob)
        end = self._stream.taken + self._in_transport
        if end - before > min(self._largest[0], self._largest[1] - self._stream.taken):
            self._largest = (end - before, end)

    def send_frame(self, payload: bytes, binary: bool) -> None:
        """Send one message to this connection alone."""
        if self._perMessageCompress is None:
            blob = frames.make(payload, binary)
        else:
            blob = frames.make_deflated(payload, binary, self._perMessageCompress.server_max_window_bits)
        if self.blocked:
            self.pipeline.hub.bytes_out += len(blob)
            self._queue(blob)
        else:
            if not self.corked:
                self.pipeline.hub.cork(self)
            self.corked += blob
            if len(self.corked) > MAX_CORKED:
                self.uncork()

    def uncork(self) -> None:
        """Send what was held back. Whatever else writes to this connection does this first."""
        held, self.corked = self.corked, b""
        if held and self.state == OPEN:
            self.pipeline.hub.bytes_out += len(held)
            if self.blocked:
                self._queue(held)
            else:
                self._write(held)

    def deliver(self, batch: Batch, policy: str) -> None:
        """Take messages of a channel."""
        if self.state != OPEN:
            return
        if not self.blocked:
            self._write(self._encoded(batch))
        elif policy == "disconnect":
            self._queue(self._encoded(batch))
        elif policy == "drop-new":
            blob = self._encoded(batch)
            if self._has_room_for(blob):
                self._queue(blob)
            else:
                self._lost(len(batch.groups), policy)
        else:
            self._keep(batch, policy)

    def send_together(self, messages: Sequence[Message]) -> None:
        """Send messages to this connection alone that are one large one to the limits."""
        if self.state == OPEN:
            self.pipeline.hub.settle(self)
            self.uncork()
            self.deliver(Batch("", messages), "disconnect")

    def _encoded(self, batch: Batch) -> bytes:
        if self._perMessageCompress is None:
            blob = batch.plain
        else:
            blob = batch.deflated(self._perMessageCompress.server_max_window_bits)
        self.pipeline.hub.bytes_out += len(blob)
        return blob

    def finish(self, blob: bytes, sent: int) -> None:
        """The hub's send of this blob went out in part: the rest waits in the transport."""
        self._write(memoryview(blob)[sent:])

    def _has_room_for(self, blob: bytes) -> bool:
        """Whether it may wait: one large message always may, beside others that are within the limit."""
        room = self.pipeline.options.send_buffer
        return self.behind + len(blob) <= room or (self._is_large(len(blob)) and self.pending <= room)

    def _queue(self, blob: bytes) -> None:
        """Write behind what waits, within the limit."""
        if not self._has_room_for(blob):
            self._too_slow(f"more than {self.pipeline.options.send_buffer} bytes wait (send_buffer)")
        elif self._backlog is not None:
            self._backlog.append(_Kept(None, blob))
            self._backlog_bytes += len(blob)
        else:
            self._write(blob)

    def check_room(self) -> None:
        """Judge what has been written past the policies: control frames."""
        if self.behind > self.pipeline.options.send_buffer:
            self._too_slow(f"more than {self.pipeline.options.send_buffer} bytes wait (send_buffer)")

    def _keep(self, batch: Batch, policy: str) -> None:
        """Hold messages back, where they can still be dropped."""
        if self._backlog is None:
            self._backlog = deque()
        if policy == "latest":
            older = sum(kept.channel == batch.channel for kept in self._backlog)
            if older + len(batch.groups) > 1:
                self._lost(older + len(batch.groups) - 1, policy)
            self._backlog = deque(kept for kept in self._backlog if kept.channel != batch.channel)
            self._backlog_bytes = sum(len(kept.blob) for kept in self._backlog)
        for each in batch.split()[-1:] if policy == "latest" else batch.split():
            blob = self._encoded(each)
            self._backlog.append(_Kept(batch.channel, blob))
            self._backlog_bytes += len(blob)
        room = self.pipeline.options.send_buffer
        while self.behind > room:
            oldest = next((kept for kept in self._backlog if kept.channel is not None), None)
            if oldest is None:
                self._too_slow(f"more than {room} bytes wait (send_buffer)")
                return
            self._backlog.remove(oldest)
            self._backlog_bytes -= len(oldest.blob)
            self._lost(1, policy)

    def transport_blocked(self) -> None:
        self.blocked = True
        self._mark_now(self.factory.reactor.seconds())
        self.factory.blocked.add(self)
        self.redirect()

    def transport_drained(self) -> None:
        self.blocked = False
        self.factory.blocked.discard(self)
        self.redirect()
        self.write_backlog()

    def write_backlog(self) -> None:
        """Give the transport what was held back: nothing of it can be dropped any more."""
        backlog, self._backlog, self._backlog_bytes = self._backlog, None, 0
        if backlog and self.state == OPEN:
            for kept in backlog:
                self._write(kept.blob)

    def check_age(self, now: float) -> None:
        """Called every second while blocked: has the client taken nothing for too long?"""
        if self._stream.taken >= self._mark[1]:
            self._mark_now(now)
        elif self.pipeline is not None and now - self._mark[0] > self.pipeline.options.send_timeout:
            self._too_slow(f"nothing taken for {self.pipeline.options.send_timeout:g} s (send_timeout)")

    def _mark_now(self, now: float) -> None:
        self._mark = (now, self._stream.taken + 1)

    def _lost(self, count: int, policy: str) -> None:
        for _ in range(count):
            self.factory.counters.count("dropped", f"slow client, {policy}")

    def _too_slow(self, reason: str) -> None:
        self.factory.counters.count("closed", "slow client", f"{self.request.peer}: {reason}")
        self.corked = b""  # lost with all that waits
        self.wasNotCleanReason = f"slow client: {reason}"
        self.abortConnection()

    def dropConnection(self, abort: bool = False) -> None:
        """Autobahn's way to end without a closing handshake."""
        self.uncork()
        super().dropConnection(abort)
        self.redirect()

    def abortConnection(self) -> None:
        """End the connection now; what waits is lost. The disconnect chain runs."""
        # What is held back does not wait for the client, only for the turn's end.
        self.uncork()
        self.droppedByMe = True
        # The transport takes a turn to end: nothing is to be sent, counted or judged too slow meanwhile.
        self.state = CLOSED
        self.redirect()
        self.transport.abortConnection()

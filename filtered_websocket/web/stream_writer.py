"""What writes a stream: a subscriber of the hub whose client reads the body of an HTTP response.

Rules:

1. The client is in all its channels before the head of the response is sent: what fails until then is an HTTP error.
2. What the kernel does not take waits in a backlog, by the rules of `limits.backlog` and the policies of channels. In
   the transport lies the rest of one part at most.
3. A client that is too slow is cut off, as a WebSocket is. A stream that the server ends is complete.
"""

from typing import Protocol
from uuid import uuid4

from filtered_websocket.limits.backlog import Backlog, Blob, least_large
from filtered_websocket.messages.batch import Batch
from filtered_websocket.web.request import HTTPRequest
from filtered_websocket.web.response import HTTPError, Stream

LAST_CHUNK = b"0\r\n\r\n"


class Sink(Protocol):
    """The connection that a stream is written to."""

    @property
    def stalled(self) -> bool:
        """Whether the client does not take what was written."""

    @property
    def pending(self) -> int:
        """Bytes of it that wait."""

    def write_part(self, data: bytes) -> None: ...
    def close_stream(self) -> None: ...
    def abort_stream(self) -> None: ...


class StreamWriter:
    """One client's stream.

    :param stream: what the endpoint answered
    """

    direct = None

    def __init__(self, stream: Stream, request: HTTPRequest) -> None:
        self.stream, self.request = stream, request
        self.id = str(uuid4())
        self.channels: set[str] = set()
        self.ended = False
        self._options, self._counters = stream.pipeline.options, stream.pipeline.server.counters
        self._sink: Sink | None = None
        self._chunked = True
        self._backlog: Backlog[Blob] = Backlog()

    @property
    def seconds_to_take(self) -> float:
        """How long the client may take nothing of what waits."""
        return float(self._options.send_timeout)

    async def open(self) -> "StreamWriter":
        """Subscribe to the channels.

        :raises HTTPError: 400, nobody can subscribe to that
        """
        try:
            for channel in self.stream.channels:
                await self.stream.pipeline.subscribe(channel, self)
        except BaseException as error:
            self.end()
            if isinstance(error, ValueError):
                raise HTTPError(400, str(error)) from None
            raise
        return self

    def begin(self, sink: Sink, chunked: bool) -> None:
        """The head was sent: write what comes first, and what has come since the client is in its channels."""
        self._sink, self._chunked = sink, chunked
        waiting, self._backlog = self._backlog, Backlog()
        if self.stream.begin:
            self._backlog.add(Blob(None, self._part(self.stream.begin)))
        for kept in waiting:
            self._backlog.add(kept._replace(blob=self._part(kept.blob)))
        self.go_on()
        self.stream.opened(self)

    def go_on(self) -> None:
        """The client takes more: write what waits, one part at a time."""
        sink = self._sink
        while sink is not None and self._backlog and not sink.stalled and not self.ended:
            kept = next(iter(self._backlog))
            self._backlog.remove(kept)
            sink.write_part(kept.blob)

    def deliver(self, batch: Batch, policy: str) -> None:
        """Take messages of a channel."""
        if self.ended:
            return
        if self._takes_at_once() or policy not in ("drop-old", "latest"):
            blob = self._encoded(batch)
            if policy != "drop-new" or self._takes_at_once() or self._has_room_for(blob):
                self._put(blob)
            else:
                self._lost(len(batch.groups), policy)
        else:
            self._keep(batch, policy)

    def send(self, blob: bytes) -> None:
        """Send bytes to this client alone, behind what its channels were published before."""
        if not self.ended and blob:
            self._put(self._part(blob))

    def _takes_at_once(self) -> bool:
        return self._sink is not None and not self._sink.stalled and not self._backlog

    def _put(self, blob: bytes) -> None:
        """Write a part, or have it wait if there is room."""
        if self._takes_at_once():
            assert self._sink is not None
            self._sink.write_part(blob)
        elif self._has_room_for(blob):
            self._backlog.add(Blob(None, blob))
        else:
            self._exceeds_room()

    def finish(self, blob: bytes, sent: int) -> None:
        """Nothing is ever sent past this writer."""

    def complete(self, last: bytes | None = None) -> None:
        """Write all that was published before, and the end.

        :param last: what is written last; None: the stream's farewell, since the server ends
        """
        if self.ended:
            return
        self._leave()
        sink, self.ended = self._sink, True
        if sink is not None:
            rest = b"".join([kept.blob for kept in self._backlog])
            rest += self._part(self.stream.farewell if last is None else last)
            sink.write_part(rest + (LAST_CHUNK if self._chunked else b""))
            sink.close_stream()
        self.stream.ended()

    def end(self) -> None:
        """The client has gone, or never was there."""
        ended, self.ended = self.ended, True
        self._leave()
        self._backlog, self._sink = Backlog(), None
        if not ended:
            self.stream.ended()

    @property
    def waits(self) -> bool:
        """Whether something waits for its client."""
        return bool(self._backlog) or self._in_transport > 0

    @property
    def pending(self) -> int:
        """Bytes that wait for its client."""
        return self._in_transport + self._backlog.size

    def too_slow(self, reason: str) -> None:
        """End, for the sake of the others."""
        self._counters.count("closed", "slow client", f"{self.request.peer}: {reason}")
        sink = self._sink
        self.end()
        if sink is not None:
            sink.abort_stream()

    def _leave(self) -> None:
        for channel in tuple(self.channels):
            self.stream.pipeline.unsubscribe(channel, self)

    def _encoded(self, batch: Batch) -> bytes:
        """A batch as one part of the body, encoded once for all streams that want it so."""
        if self._sink is None or not self._chunked:
            return self._bare(batch)
        blob: bytes = batch.encoded((self.stream.encode, "chunk"), lambda batch: self._part(self._bare(batch)))
        return blob

    def _bare(self, batch: Batch) -> bytes:
        encode = self.stream.encode
        blob: bytes = batch.encoded(encode, lambda batch: encode(batch.messages))
        return blob

    def _part(self, blob: bytes) -> bytes:
        """A part of the body: a chunk, where there are chunks. An empty one would end the body."""
        return b"%x\r\n%b\r\n" % (len(blob), blob) if self._chunked and blob else blob

    # What waits.

    @property
    def _in_transport(self) -> int:
        return 0 if self._sink is None else self._sink.pending

    def _is_behind(self, more: int = 0) -> bool:
        """Whether too much waits beside the largest part, if that is large."""
        room, waits = self._options.send_buffer, self._in_transport
        large = waits if waits >= least_large(room) else 0
        return bool(waits + self._backlog.size + more - max(large, self._backlog.largest(room)) > room)

    def _has_room_for(self, blob: bytes) -> bool:
        """Whether it may wait: one large part always may, beside others that are within the limit."""
        room = self._options.send_buffer
        alone = len(blob) >= least_large(room) and self._in_transport + self._backlog.size <= room
        return alone or not self._is_behind(len(blob))

    def _keep(self, batch: Batch, policy: str) -> None:
        """Keep messages where they can still be dropped."""
        parts = batch.split()
        if policy == "latest":
            self._lost(self._backlog.remove_channel(batch.channel) + len(parts) - 1, policy)
            parts = parts[-1:]
        for part in parts:
            self._backlog.add(Blob(batch.channel, self._encoded(part)))
        self._lost(self._backlog.drop_oldest(self._is_behind), policy)
        if self._is_behind():
            self._exceeds_room()

    def _lost(self, count: int, policy: str) -> None:
        if count:
            self._counters.count("dropped", f"slow client, {policy}", times=count)

    def _exceeds_room(self) -> None:
        self.too_slow(f"more than {self._options.send_buffer} bytes wait (send_buffer)")

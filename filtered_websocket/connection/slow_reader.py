"""A client that reads more slowly than others write: what waits for it, and for how long it has taken nothing.

There is one of these for as long as something waits that the kernel has refused. Some of it is in the transport, in
order and for good. What the policy of its channel may still drop is held back behind that, in a backlog.
"""

from collections.abc import Iterable
from typing import Any

from filtered_websocket.limits.backlog import Backlog, Blob, least_large
from filtered_websocket.transport.streams import WriteThrough


def in_transport(stream: WriteThrough, transport: Any) -> int:
    """Bytes that wait in a connection's transport: in the stream, and in the TLS above it."""
    return stream.pending if stream is transport else stream.pending + int(transport.waiting)


class SlowReader:
    """
    :param stream: the socket's transport
    :param transport: what is written to: the stream, or the TLS above it
    :ivar backlog: what is held back
    """

    __slots__ = ("_mark", "_size", "_stream", "_through", "_transport", "backlog")

    def __init__(self, stream: WriteThrough, transport: Any, now: float) -> None:
        self._stream, self._transport = stream, transport
        self.backlog: Backlog[Blob] = Backlog()
        # Of the largest message in the transport: its bytes, and how much the kernel will have taken behind its last.
        self._size = self._through = 0
        self._set_mark(now)

    @property
    def taken(self) -> int:
        """Bytes that the kernel has taken of what waited."""
        return self._stream.taken

    @property
    def pending(self) -> int:
        """Bytes that wait for this client."""
        return in_transport(self._stream, self._transport) + self.backlog.size

    def behind(self, room: int) -> int:
        """Bytes that wait for this client, without the largest message among them, if it is large.

        :param room: the limit, which is all that the answer is compared with
        """
        pending = self.pending
        if pending <= room:
            return pending
        left = min(self._size, self._through - self._stream.taken)
        return pending - max(left if left >= least_large(room) else 0, self.backlog.largest(room))

    def has_room_for(self, blob: bytes, room: int) -> bool:
        """Whether it may wait: one large message always may, beside others that are within the limit."""
        return self.behind(room) + len(blob) <= room or (len(blob) >= least_large(room) and self.pending <= room)

    # What is in the transport.

    def end(self) -> int:
        """How much the kernel will have taken when it has taken all that was written so far."""
        return self._stream.taken + in_transport(self._stream, self._transport)

    def written(self, begin: int) -> None:
        """A message was written, of which all lies in the transport that it has beyond this."""
        end = self.end()
        if end - begin > min(self._size, self._through - self._stream.taken):
            self._size, self._through = end - begin, end

    # What may still be dropped.

    def hold_back(self, channel: str, blobs: Iterable[bytes], policy: str, room: int) -> int:
        """Keep messages of a channel, by a policy; how many others are dropped for them."""
        dropped = self.backlog.remove_channel(channel) if policy == "latest" else 0
        for blob in blobs:
            self.backlog.add(Blob(channel, blob))
        return dropped + self.backlog.drop_oldest(lambda: self.behind(room) > room)

    def release(self) -> Backlog[Blob]:
        """What was held back, which is not any more."""
        released, self.backlog = self.backlog, Backlog()
        return released

    # Time.

    def is_stuck(self, now: float, seconds: float) -> bool:
        """Whether the client has taken nothing for so long. Asked every second."""
        since, more = self._mark
        if self._stream.taken >= more:
            self._set_mark(now)
            return False
        return now - since > seconds

    def _set_mark(self, now: float) -> None:
        # When the kernel was last seen to take something, and how much it will have taken when it takes more.
        self._mark = (now, self._stream.taken + 1)

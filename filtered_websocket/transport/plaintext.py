"""What waits unencrypted above a stream that is full."""

from collections import deque

from filtered_websocket.transport.streams import LARGE


class Plaintext:
    """Bytes in the order in which they are to be encrypted.

    What is large waits as it is, not copied: thousands of connections may hold the same. What is small is joined.

    :ivar size: of all of it, in bytes
    """

    __slots__ = ("_pieces", "size")

    def __init__(self) -> None:
        self._pieces: deque[bytearray | memoryview] = deque()
        self.size = 0

    def add(self, data: bytes | memoryview) -> None:
        """Keep this behind the others."""
        self.size += len(data)
        last = self._pieces[-1] if self._pieces else None
        if len(data) >= LARGE:
            self._pieces.append(memoryview(data))
        elif isinstance(last, bytearray) and len(last) < LARGE:
            last += data
        else:
            self._pieces.append(bytearray(data))

    def take(self, most: int) -> bytearray | memoryview:
        """The first bytes, as many as lie together.

        :param most: no more than this
        """
        piece = self._pieces.popleft()
        if len(piece) > most:
            view = memoryview(piece)
            self._pieces.appendleft(view[most:])
            piece = view[:most]
        self.size -= len(piece)
        return piece

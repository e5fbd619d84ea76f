"""A frame of which the end is yet to come. Pure: bytes in, a payload comes out.

What `frames.read` takes where it has come as a whole: unfragmented, masked, text or binary, of minimal length
encoding, within the limit. Rules:

1. It holds what has come, never what is announced.
2. What comes is unmasked and judged at once: text that cannot become UTF-8 is known by its first wrong byte.
3. It can give back what came. So all that is unusual is Autobahn's to judge, from the frame's first byte on.
"""

from codecs import utf_8_decode

from filtered_websocket.messages.frames import FIN_BINARY, head_of
from filtered_websocket.messages.masking import apply_mask

JOINED = 16 * 1024
"""Pieces below this size are joined as they come: a piece of one byte would cost fifty times what it took to send."""


class PartialFrame:
    """
    :ivar binary: whether it is no text
    :ivar missing: bytes of its payload that have not come
    """

    __slots__ = ("_head", "_mask", "_pieces", "_rest", "_size", "binary", "missing")

    def __init__(self, head: bytes, missing: int) -> None:
        self._head, self._mask = head, head[-4:]
        self._size, self.missing = 0, missing
        self._pieces: list[bytes | bytearray] = []
        self.binary = head[0] == FIN_BINARY
        self._rest = b""
        """The bytes of a character that has not come as a whole."""

    @classmethod
    def begin(cls, data: bytes, at: int, limit: int) -> "PartialFrame | None":
        """The frame that begins at an offset and goes on behind the end of these bytes.

        :param limit: the largest payload taken, in bytes
        :returns: None when Autobahn must have a look
        """
        found = head_of(data, at)
        if found is None:
            return None
        begin, length = found
        if length > limit or begin > len(data) or begin + length <= len(data):
            return None
        frame = cls(data[at:begin], length)
        return frame if frame.add(memoryview(data)[begin:]) else None

    def add(self, data: bytes | memoryview) -> bool:
        """Take what has come next of its payload, and nothing beyond.

        :returns: whether it still may be a valid message; if not, it was not taken
        """
        turn = self._size & 3
        piece = apply_mask(data, self._mask[turn:] + self._mask[:turn])
        if not self.binary and (self._rest or not piece.isascii()):
            text = self._rest + piece
            try:
                _, whole = utf_8_decode(text, "strict", len(data) == self.missing)
            except UnicodeDecodeError:
                return False
            self._rest = text[whole:]
        self.missing -= len(data)
        self._size += len(data)
        pieces = self._pieces
        if len(piece) >= JOINED:
            pieces.append(piece)
        elif pieces and len(last := pieces[-1]) < JOINED:
            assert isinstance(last, bytearray)
            last += piece
        else:
            pieces.append(bytearray(piece))
        return True

    def payload(self) -> bytearray:
        """All of it."""
        return bytearray().join(self._pieces)

    def given_back(self) -> bytes:
        """What was taken, as it came."""
        return self._head + apply_mask(self.payload(), self._mask)

"""A frame of which the end is yet to come. Pure: bytes in, a payload comes out.

What `frames.read` takes where it has come as a whole: unfragmented, masked, text or binary, of minimal length
encoding, within the limit. Rules:

1. It holds what has come, never what is announced. The room that C asks for ahead, so that nothing is copied twice, is
   sixteen times what has come at most, and the kernel gives no page of it before something comes.
2. What comes is unmasked and judged at once: text that cannot become UTF-8 is known by its first wrong byte.
3. It can give back what came. So all that is unusual is Autobahn's to judge, from the frame's first byte on.
"""

from codecs import utf_8_decode

from filtered_websocket.messages.frames import FIN_BINARY, head_of
from filtered_websocket.messages.masking import append_unmasked, apply_mask


class PartialFrame:
    """
    :ivar binary: whether it is no text
    :ivar missing: bytes of its payload that have not come
    :ivar payload: what has come of it
    """

    __slots__ = ("_head", "_judged", "_masks", "binary", "missing", "payload")

    def __init__(self, head: bytes, missing: int) -> None:
        self._head, self._masks = head, head[-4:] * 2
        self.payload, self.missing = bytearray(), missing
        self.binary = head[0] == FIN_BINARY
        self._judged = 0
        """Bytes of a text that are whole characters."""

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
        return frame if frame.add(data, begin) else None

    def add(self, data: bytes, begin: int = 0) -> bool:
        """Take what has come next of its payload, and nothing beyond.

        :param begin: where it begins
        :returns: whether it still may be a valid message; if not, it was not taken
        """
        payload = self.payload
        before, length = len(payload), len(payload) + self.missing
        is_ascii = append_unmasked(payload, data, begin, self._masks, length)
        now = len(payload)
        if not self.binary:
            if self._judged == before and (payload[before:].isascii() if is_ascii is None else is_ascii):
                self._judged = now
            else:
                try:
                    _, whole = utf_8_decode(payload[self._judged :], "strict", now == length)
                except UnicodeDecodeError:
                    del payload[before:]
                    return False
                self._judged += whole
        self.missing = length - now
        return True

    def given_back(self) -> bytes:
        """What was taken, as it came."""
        return self._head + apply_mask(self.payload, self._masks[:4])

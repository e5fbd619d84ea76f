"""The body of an HTTP request: of a length that is known, or in chunks (RFC 9112, 6 and 7.1). Pure.

A body costs its bytes, however small its chunks are, and one call reads few enough that others have their turn.
"""

import re

from filtered_websocket.web.head import FIELDS, Refused

AT_ONCE = 64
"""Chunks that one call reads."""
MAX_SIZE_LINE = 1024
"""Bytes of the line that a chunk begins with. Extensions in it are dropped."""
MAX_TRAILERS = 16 * 1024
"""Bytes of the headers behind the last chunk. They are dropped."""

_SIZE = re.compile(rb"([0-9A-Fa-f]{1,16})(?:[ \t]*+;[\t -~\x80-\xff]*+)?\r\n")
_TRAILERS = re.compile(rb"%b\r\n" % FIELDS)


class Sized:
    """A body of a known length.

    :ivar content: what has come of it
    """

    __slots__ = ("_left", "content")

    def __init__(self, length: int) -> None:
        self._left = length
        self.content = bytearray()

    def take(self, data: bytearray) -> bool:
        """Take from the beginning of data what belongs to this body; whether it is complete."""
        part = data[: self._left]
        self.content += part
        self._left -= len(part)
        del data[: len(part)]
        return not self._left


class Chunked:
    """A body that comes in chunks.

    :param limit: bytes that it may have
    :ivar content: what has come of it
    """

    __slots__ = ("_in_chunk", "_is_last", "_left", "_limit", "content")

    def __init__(self, limit: int) -> None:
        self._limit, self._left = limit, 0
        self._in_chunk = self._is_last = False
        self.content = bytearray()

    def take(self, data: bytearray) -> bool | Refused:
        """As `Sized.take`. While it takes something and the body is not complete, there may be more to take."""
        at = 0
        for _ in range(AT_ONCE):
            if self._is_last:
                break
            if self._in_chunk:
                part = data[at : at + self._left]
                self.content += part
                self._left -= len(part)
                at += len(part)
                if self._left or len(data) - at < 2:
                    break
                if data[at : at + 2] != b"\r\n":
                    return Refused(400, "a chunk ends with CRLF, where its size says")
                at, self._in_chunk = at + 2, False
            size = _SIZE.match(data, at)
            if size is None:
                if len(data) - at > MAX_SIZE_LINE or data.find(b"\n", at) >= 0:
                    return Refused(400, "a chunk begins with its size, in hexadecimal digits")
                break
            at, self._left = size.end(), int(size[1], 16)
            self._in_chunk, self._is_last = self._left > 0, not self._left
            if len(self.content) + self._left > self._limit:
                return Refused(413, f"the body may have {self._limit} bytes")
        del data[:at]
        return self._end(data) if self._is_last else False

    def _end(self, data: bytearray) -> bool | Refused:
        """Take the headers behind the last chunk, mostly none, and the empty line."""
        if data.startswith(b"\r\n"):
            del data[:2]
            return True
        end = data.find(b"\r\n\r\n")
        if end > MAX_TRAILERS or len(data) > MAX_TRAILERS + 4:
            return Refused(431, "Request Header Fields Too Large")
        if end < 0:
            return False
        if _TRAILERS.fullmatch(data, 0, end + 4) is None:
            return Refused(400, "what follows the last chunk are no headers")
        del data[: end + 4]
        return True

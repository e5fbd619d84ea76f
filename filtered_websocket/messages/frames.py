"""Small WebSocket frames, read and made (RFC 6455, section 5). Pure functions of bytes.

`read` takes what most frames are: complete, unfragmented, masked, text or binary, of minimal length encoding, within
the limit, text that is valid UTF-8. Everything else it leaves: Autobahn's parser is the authority for fragments,
control frames, extensions and every violation, and gets those bytes untouched.
"""

import zlib
from functools import lru_cache

from filtered_websocket.messages.accelerator import accelerated
from filtered_websocket.messages.masking import apply_mask

FIN_TEXT, FIN_BINARY = 0x81, 0x82
RSV1 = 0x40


def _make_head(first: int, length: int) -> bytes:
    if length < 126:
        return bytes((first, length))
    if length < 65536:
        return bytes((first, 126)) + length.to_bytes(2, "big")
    return bytes((first, 127)) + length.to_bytes(8, "big")


_head = lru_cache(4096)(_make_head)  # about one for each length that is in use
_USUAL = 1024
"""Bytes of a payload below which its head is made beforehand: a list is asked faster than a cache."""
_heads = tuple([_make_head(first, length) for length in range(_USUAL)] for first in (FIN_TEXT, FIN_BINARY))


CLOSE = 8


def close_ahead(data: bytes, at: int) -> tuple[int, bool]:
    """Look for a close frame in bytes that are yet to be parsed.

    :param at: where a frame begins; behind the end is fine
    :returns: where the close frame begins and True, else where to look when there is more, and False
    """
    size = len(data)
    while at + 2 <= size:
        if data[at] & 15 == CLOSE:
            return at, True
        length = data[at + 1] & 127
        begin = at + (6 if data[at + 1] & 128 else 2)
        wide = {126: 2, 127: 8}.get(length, 0)
        if wide:
            if at + 2 + wide > size:
                break
            length = int.from_bytes(data[at + 2 : at + 2 + wide], "big")
        at = begin + wide + length
    return at, False


@accelerated
def read(data: bytes | memoryview, at: int, limit: int) -> tuple[bytearray, bool, int] | None:
    """Read the frame that begins at an offset.

    :param limit: the largest payload taken, in bytes
    :returns: ``(payload, is_binary, end)``, or None when Autobahn must have a look
    """
    size = len(data)
    if size - at < 6:
        return None
    first = data[at]
    if first != FIN_TEXT and first != FIN_BINARY:  # noqa: PLR1714 - a tuple would be made for every frame
        return None
    length = data[at + 1] - 128
    if 0 <= length < 126:
        begin = at + 6
    elif length == 126:
        length = data[at + 2] << 8 | data[at + 3]
        begin = at + 8
        if length < 126:
            return None
    elif length == 127:
        length = int.from_bytes(data[at + 2 : at + 10], "big")
        begin = at + 14
        if length < 65536:
            return None
        data = memoryview(data)  # what is cut out of it is not copied
    else:
        return None
    end = begin + length
    if end > size or length > limit:
        return None
    payload = apply_mask(data[begin:end], data[begin - 4 : begin])
    if first == FIN_BINARY:
        return bytearray(payload), True, end
    if not payload.isascii():
        try:
            payload.decode()
        except UnicodeDecodeError:
            return None
    return bytearray(payload), False, end


def head_of(data: bytes, at: int) -> tuple[int, int] | None:
    """The head of a frame that `read` takes when its end has come.

    :returns: where the payload begins and how long it is; None for another frame, or where the head has not all come
    """
    size = len(data) - at
    if size < 6 or data[at] not in (FIN_TEXT, FIN_BINARY):
        return None
    length = data[at + 1] - 128
    wide = 2 if length == 126 else 8 if length == 127 else 0
    if length < 0 or size < 6 + wide:
        return None
    begin = at + 6 + wide
    if wide:
        length = int.from_bytes(data[at + 2 : at + 2 + wide], "big")
        if length < (126 if wide == 2 else 65536):
            return None
    return begin, length


@accelerated
def make(payload: bytes | bytearray, binary: bool) -> bytes:
    """One unmasked frame with this message, as a server sends it."""
    length = len(payload)
    if length < _USUAL:
        return _heads[binary][length] + payload
    return _head(FIN_BINARY if binary else FIN_TEXT, length) + payload


def head_for(payload: bytes | bytearray, binary: bool) -> bytes:
    """What `make` puts in front of this message."""
    return _head(FIN_BINARY if binary else FIN_TEXT, len(payload))


def make_deflated(payload: bytes | bytearray, binary: bool, window_bits: int) -> bytes:
    """One compressed frame (RFC 7692, section 7.2.1) that needs no context.

    A sender may forget its window after any message, so the frame suits every client that accepts this window size,
    and one compression serves them all.
    """
    deflate = zlib.compressobj(zlib.Z_DEFAULT_COMPRESSION, zlib.DEFLATED, -window_bits, 8)
    body = (deflate.compress(payload) + deflate.flush(zlib.Z_SYNC_FLUSH))[:-4]
    return _head((FIN_BINARY if binary else FIN_TEXT) | RSV1, len(body)) + body

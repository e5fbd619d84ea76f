"""Deltas as Fossil writes them: what is copied from a text that the client has, and what is new.

    SIZE \\n { COUNT@OFFSET, | COUNT:TEXT } CHECKSUM;

Numbers are written to the base 64. No character is cut in two: what is new begins and ends where characters do, so that
the delta of two texts is a text.
"""

import struct

_DIGITS = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz~"
_BLOCK = 16
"""Bytes that have to be the same, so that copying them pays."""
MOST = 1 << 20
"""Bytes of a text from which on only its beginning and its end are compared."""


def delta(source: bytes, target: bytes) -> bytes:
    """What makes a target of a source."""
    begin = _common(source, target)
    end = _common(source[begin:][::-1], target[begin:][::-1])
    begin, end = _whole(target, 0, begin), len(target) - _whole_end(target, len(target) - end)
    parts = [_number(len(target)), b"\n"]
    _copy(parts, begin, 0)
    middle, new = source[begin : len(source) - end], target[begin : len(target) - end]
    if 2 * _BLOCK <= len(new) <= MOST and len(middle) >= _BLOCK:
        _blocks(parts, middle, new, begin)
    else:
        _insert(parts, new)
    _copy(parts, end, len(source) - end)
    parts += (_number(_checksum(target)), b";")
    return b"".join(parts)


def _common(one: bytes, other: bytes) -> int:
    """How many bytes both begin with."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _whole(target: bytes, begin: int, end: int) -> int:
    """The last place, up to an end, where a character begins; not before a beginning."""
    while begin < end < len(target) and target[end] & 0xC0 == 0x80:
        end -= 1
    return end


def _whole_end(target: bytes, begin: int) -> int:
    """The first place, from a beginning on, where a character begins."""
    while begin < len(target) and target[begin] & 0xC0 == 0x80:
        begin += 1
    return begin


def _blocks(parts: list[bytes], source: bytes, target: bytes, offset: int) -> None:
    """Copy what can be copied between what is new.

    :param offset: of the source's first byte
    """
    places: dict[bytes, int] = {}
    for at in range(0, len(source) - _BLOCK + 1, _BLOCK):
        places.setdefault(source[at : at + _BLOCK], at)
    done = at = 0
    while at + _BLOCK <= len(target):
        found = places.get(target[at : at + _BLOCK])
        if found is None:
            at += 1
            continue
        length = _BLOCK + _common(source[found + _BLOCK :], target[at + _BLOCK :])
        back = _common(source[:found][::-1], target[done:at][::-1])
        begin, source_at = at - back, found - back
        whole = _whole_end(target, begin)
        end = _whole(target, whole, at + length)
        if end - whole >= _BLOCK // 2:
            _insert(parts, target[done:whole])
            _copy(parts, end - whole, offset + source_at + whole - begin)
            done = end
        at = max(at + 1, end)
    _insert(parts, target[done:])


def _copy(parts: list[bytes], count: int, offset: int) -> None:
    if count:
        parts += (_number(count), b"@", _number(offset), b",")


def _insert(parts: list[bytes], new: bytes) -> None:
    if new:
        parts += (_number(len(new)), b":", new)


def _number(value: int) -> bytes:
    digits = bytearray()
    while True:
        digits.append(_DIGITS[value & 63])
        value >>= 6
        if not value:
            return bytes(digits[::-1])


def _checksum(data: bytes) -> int:
    padded = data + bytes(-len(data) % 4)
    words: tuple[int, ...] = struct.unpack(f">{len(padded) // 4}I", padded)
    return sum(words) & 0xFFFFFFFF

"""Any bytes, split anywhere: the fast paths and Autobahn alone must agree (`agreement.py`), and nothing may grow.

An input is a byte of flags, a byte that says how many cuts there are, two bytes for each, and the stream. With a flag
the stream is a list of frames in short form, which gets deeper than bytes that must first happen to be frames.
"""

import gc
import os
import zlib
from pathlib import Path

from tests.fuzz.agreement import Agreement, split
from tests.support.raw_client import frame

DEFLATE, SHARE, FRAMES = 1, 2, 4
OPCODES = (1, 2, 1, 2, 1, 2, 0, 0, 8, 9, 10, 1, 2, 0, 3, 15)
WARM_UP = 10_000
GROWTH = 48 << 20
"""Bytes that the process may grow by behind its warm-up: libFuzzer keeps its corpus in memory."""


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def frames_of(data: bytes) -> bytes:
    """A stream from its short form: opcode and FIN, RSV and mask, length, payload; and again."""
    made, at = [], 0
    while at + 3 <= len(data):
        first, second, size = data[at : at + 3]
        payload = data[at + 3 : at + 3 + size]
        if second & 1:
            squeeze = zlib.compressobj(-1, zlib.DEFLATED, -15)
            payload = (squeeze.compress(payload * (1 + second % 7)) + squeeze.flush(zlib.Z_SYNC_FLUSH))[:-4]
        elif second & 2:
            payload *= 1 + second % 7
        rsv = 4 if second & 1 else 1 if second == 0xFE else 0
        mask = None if second == 0xFC else bytes(4) if second & 4 else b"\x37\xfa\x21\x3d"
        made.append(frame(payload, OPCODES[first & 15], fin=first < 0xC0, rsv=rsv, mask=mask))
        at += 3 + size
    return b"".join(made) + data[at:]


def pieces_of(data: bytes) -> list[bytes]:
    """The pieces of a stream: a byte that says how many cuts there are, two bytes for each, and the stream."""
    count = data[0] & 7 if data else 0
    cuts = [int.from_bytes(data[1 + 2 * n : 3 + 2 * n], "big") for n in range(count)]
    return split(data[1 + 2 * count :], cuts)


def framed_pieces_of(flags: int, data: bytes) -> list[bytes]:
    """The same, of frames in short form if the flag says so."""
    pieces = pieces_of(data)
    return split(frames_of(b"".join(pieces)), [len(each) for each in pieces[:-1]]) if flags & FRAMES else pieces


class Target:
    def __init__(self) -> None:
        self._both = Agreement()
        self._played = self._warm = 0

    def __call__(self, data: bytes) -> None:
        if len(data) < 2:
            return
        flags = data[0]
        pieces = framed_pieces_of(flags, data[1:])
        self._both.on(pieces, bool(flags & DEFLATE), 1 + (flags >> 3) % 3 if flags & SHARE else 0)
        self._played += 1
        if self._played == WARM_UP:
            gc.collect()
            self._warm = resident()
        if self._warm and self._played % WARM_UP == 0:
            gc.collect()
            grown = resident() - self._warm
            print(f"{self._played} inputs, grown by {grown >> 20} MiB since the first {WARM_UP}", flush=True)
            assert grown < GROWTH

    def close(self) -> None:
        self._both.close()

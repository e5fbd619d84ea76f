"""Any bytes, split anywhere: the fast paths and Autobahn alone must agree (`agreement.py`), and nothing may grow.

    python -m tests.fuzz.byte_stream CORPUS... [libFuzzer's options, such as -max_total_time=600]

`make fuzz` installs atheris and does so. An input is a byte of flags, a byte that says how many cuts there are, two
bytes for each, and the stream. With a flag the stream is a list of frames in short form, which gets deeper than bytes
that must first happen to be frames.
"""

import gc
import os
import sys
import tempfile
import zlib
from pathlib import Path
from typing import Any

from twisted.logger import globalLogBeginner

from tests.support.raw_client import close_frame, frame

INSTRUMENTED = [
    "filtered_websocket.messages.frames",
    "filtered_websocket.messages.partial_frame",
    "filtered_websocket.connection.connection",
    "filtered_websocket.connection.answering",
    "filtered_websocket.connection.receiving",
    "filtered_websocket.connection.lifecycle",
    "filtered_websocket.connection.pausing",
    "filtered_websocket.connection.autobahn",
    "filtered_websocket.connection.sending",
    "autobahn.websocket.protocol",
    "filtered_websocket.messages.deflate",
]
DEFLATE, SHARE, FRAMES = 1, 2, 4
OPCODES = (1, 2, 1, 2, 1, 2, 0, 0, 8, 9, 10, 1, 2, 0, 3, 15)
WARM_UP = 10_000
GROWTH = 48 << 20
"""Bytes that the process may grow by behind its warm-up: libFuzzer keeps its corpus in memory."""

played = warm = 0
both: Any = None


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


def one_input(data: bytes) -> None:
    global played, warm
    if len(data) < 2:
        return
    flags, count = data[0], data[1] & 7
    cuts = [int.from_bytes(data[2 + 2 * n : 4 + 2 * n], "big") for n in range(count)]
    stream = data[2 + 2 * count :]
    if flags & FRAMES:
        stream = frames_of(stream)
    both.on(split(stream, cuts), bool(flags & DEFLATE), 1 + (flags >> 3) % 3 if flags & SHARE else 0)
    played += 1
    if played == WARM_UP:
        gc.collect()
        warm = resident()
    if warm and played % 10_000 == 0:
        gc.collect()
        grown = resident() - warm
        print(f"{played} inputs, grown by {grown >> 20} MiB since the first {WARM_UP}", flush=True)
        assert grown < GROWTH


def seeds(folder: Path) -> None:
    """Inputs that show the way."""
    streams = {
        "text": frame("x") + frame("again") + close_frame(),
        "kinds": frame("a1") + frame(b"p", 2) + frame("t") + frame("", 9) + frame("n") + frame("c"),
        "fragments": frame("x", 1, fin=False) + frame("ping", 9) + frame("y", 0) + close_frame(3000, "why"),
        "lengths": frame("x" * 125) + frame("x" * 126) + frame("x" * 300) + frame("x" * 301),
        "utf8": frame("ä€😀") + frame(b"\xe2\x82", 1, fin=False) + frame(b"\xac", 0) + frame(b"\xff", 1),
        "long": frame("x" * 65536)[:40],
    }
    for name, stream in streams.items():
        for flags in (0, DEFLATE, SHARE):
            (folder / f"{name}-{flags}").write_bytes(bytes([flags, 1, 0, 9]) + stream)
    short = b"".join(bytes([opcode, mask, 3]) + b"abc" for opcode in (0, 1, 6, 9, 0xC0, 8) for mask in (0, 1, 4, 5))
    for flags in (FRAMES, FRAMES | DEFLATE, FRAMES | SHARE | DEFLATE):
        (folder / f"short-{flags}").write_bytes(bytes([flags, 2, 0, 3, 0, 3]) + short)


def split(stream: bytes, cuts: list[int]) -> list[bytes]:
    from tests.fuzz import agreement

    return agreement.split(stream, cuts)


def main() -> None:
    global both
    # Here, for imports of this module where there is no atheris: pytest looks for doctests in it.
    import atheris

    with atheris.instrument_imports(include=INSTRUMENTED):
        from tests.fuzz.agreement import Agreement
    both = Agreement()
    globalLogBeginner.beginLoggingTo([], discardBuffer=True, redirectStandardIO=False)
    begin = Path(tempfile.mkdtemp(prefix="fuzz"))
    seeds(begin)
    atheris.Setup([*sys.argv, str(begin)], one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()

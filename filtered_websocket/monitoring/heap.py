"""The C heap (glibc): large messages find their buffers again, and what a burst has left is given back.

Left to itself, glibc maps each buffer of 128 KiB or more anew, or cuts the end of the heap off as soon as it is free:
the kernel then clears every page of every large message, some 640 page faults for the echo of one MiB. So buffers stay
on the heap, and the free end of the heap stays, up to `KEPT`. What a burst has left between others no threshold gives
back: that is looked for every `SECONDS`.

An operator that sets one of `SETTINGS` in the environment decides instead; with another C library nothing is done.
"""

import ctypes
import os
from pathlib import Path
from typing import Any

from filtered_websocket.chain.clock import Clock, DelayedCall

SETTINGS = ("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "MALLOC_TOP_PAD_", "GLIBC_TUNABLES")

MAPPED = 32 * 1024 * 1024
"""Bytes from which a buffer is mapped, and given back as soon as it is free: the most that glibc takes."""
KEPT = 64 * 1024 * 1024
"""Bytes at the end of the heap that may be free before they are given back at once."""
SECONDS = 10.0
LEFT = 32 * 1024 * 1024
"""Bytes that a burst may leave: less is not worth the search, which takes 0.4 ms for each MiB that it gives back."""

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_PAGE = os.sysconf("SC_PAGE_SIZE")


class _Figures(ctypes.Structure):
    """What mallinfo2(3) tells."""

    _fields_ = [
        (name, ctypes.c_size_t)
        for name in (
            *("arena", "ordblks", "smblks", "hblks", "hblkhd"),
            *("usmblks", "fsmblks", "uordblks", "fordblks", "keepcost"),
        )
    ]


class Heap:
    """The heap of this process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._library: Any = None
        self._call: DelayedCall | None = None
        self._least = 0

    def start(self) -> None:
        """Set the thresholds, and look from time to time what is left."""
        library = ctypes.CDLL(None)
        if any(name in os.environ for name in SETTINGS) or not hasattr(library, "mallinfo2"):
            return
        library.mallinfo2.restype = _Figures
        library.mallopt(_M_MMAP_THRESHOLD, MAPPED)
        library.mallopt(_M_TRIM_THRESHOLD, KEPT)
        self._library = library
        self._least = resident()
        self._again()

    def stop(self) -> None:
        if self._call is not None and self._call.active():
            self._call.cancel()

    def _again(self) -> None:
        self._call = self._clock.callLater(SECONDS, self._look)

    def _look(self) -> None:
        self._again()
        self.give_back()

    def give_back(self) -> None:
        """Give free pages to the kernel, if there may be many.

        The kernel knows how many pages there are, glibc how much is free, given back or not: so it is asked for only
        where the process has grown since the last time.
        """
        now = resident()
        if now > self._least + LEFT and self._library.mallinfo2().fordblks > LEFT:
            self._library.malloc_trim(0)
            self._least = now = resident()
        self._least = min(self._least, now)


def resident() -> int:
    """Bytes of this process that are in memory."""
    return int(Path("/proc/self/statm").read_bytes().split()[1]) * _PAGE

"""What counts as allocated by a process."""

import mmap
import os
from pathlib import Path
from tempfile import TemporaryFile

from tests.soak.state import allocated

SIZE = 32 * 1024 * 1024
SOME = SIZE // 8
"""What else a process may take or leave meanwhile."""


def grown(before: int) -> int:
    return allocated(os.getpid()) - before


def touched(pages: mmap.mmap) -> mmap.mmap:
    assert not any(pages[at] for at in range(0, SIZE, mmap.PAGESIZE))
    return pages


def fill(pages: mmap.mmap) -> None:
    for at in range(0, SIZE, mmap.PAGESIZE):
        pages[at] = 1


def test_its_own_memory_is_and_what_it_shares() -> None:
    before = allocated(os.getpid())
    # Asked of the kernel: what former tests have left of the heap is the process's already.
    with mmap.mmap(-1, SIZE, flags=mmap.MAP_PRIVATE) as own:
        fill(own)
        assert abs(grown(before) - SIZE) < SOME
        with mmap.mmap(-1, SIZE) as shared:
            fill(shared)
            assert abs(grown(before) - 2 * SIZE) < SOME
    assert abs(grown(before)) < SOME


def test_pages_of_a_file_are_not() -> None:
    # Not in the folder of temporary files: that may be kept in memory, and so be shared memory.
    with TemporaryFile(dir=Path(__file__).parent) as file:
        file.write(bytes(SIZE))
        file.flush()
        before = allocated(os.getpid())
        with touched(mmap.mmap(file.fileno(), SIZE, access=mmap.ACCESS_READ)):
            assert abs(grown(before)) < SOME

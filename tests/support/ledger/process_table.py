"""The process table, as /proc has it. A process that ends while it is looked at has nothing."""

import os
from pathlib import Path


def descriptors(pid: int | str) -> dict[int, str]:
    """The descriptors of a process, and what they are of."""
    found = {}
    folder = f"/proc/{pid}/fd"
    try:
        numbers = os.listdir(folder)
    except OSError:
        return {}
    for number in numbers:
        try:
            found[int(number)] = os.readlink(f"{folder}/{number}")
        except OSError:
            pass  # that of the listing itself
    return found


def threads(pid: int) -> int:
    """How many a process has."""
    try:
        return len(os.listdir(f"/proc/{pid}/task"))
    except OSError:
        return 0


def children(pid: int) -> list[int]:
    """The processes that a process has started, and that are there: zombies too, which nobody has waited for."""
    found = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            found += Path(f"/proc/{pid}/task/{task}/children").read_text().split()
    except OSError:
        pass
    return [int(each) for each in found]


def family(pid: int) -> list[int]:
    """The processes below a process."""
    return [each for child in children(pid) for each in (child, *family(child))]


def command(pid: int) -> str:
    """Its command line, or the name of one that has ended and was not waited for."""
    try:
        line = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        return line or Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""

"""A process that has no descriptors left."""

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager


def next_descriptor() -> int:
    """The one that the next file or socket gets."""
    found = os.open(os.devnull, os.O_RDONLY)
    os.close(found)
    return found


@contextmanager
def no_more_descriptors() -> Iterator[None]:
    """No file or socket can be opened by this process."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (next_descriptor(), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

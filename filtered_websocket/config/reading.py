"""Files that the values of options are read from. They are read here, so that `--reload` knows them."""

import os
import zlib

READ: dict[str, int | None] = {}
"""What was read last of each file, by its path: zlib's crc32; None: in vain."""


def read(path: str | os.PathLike[str]) -> bytes:
    """What is in a file.

    :raises OSError: it cannot be read
    """
    name = os.fspath(path)
    READ[name] = None
    with open(name, "rb") as file:
        content = file.read()
    READ[name] = zlib.crc32(content)
    return content

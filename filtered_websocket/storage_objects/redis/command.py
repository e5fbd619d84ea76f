"""Commands in Redis's protocol, and Lua scripts called by their hash.

Each script is one atomic step. Times are Redis's own, in milliseconds, so that nodes need no common clock; scripts call
TIME before they write, which needs Redis 5 or newer.
"""

import hashlib
import re
from collections.abc import Sequence

_SPECIAL = re.compile(rb"([*?\[\]\\])")


def command(*parts: bytes) -> bytes:
    """One command in Redis's protocol."""
    return b"*%d\r\n" % len(parts) + b"".join([b"$%d\r\n%b\r\n" % (len(part), part) for part in parts])


def parts_of(request: bytes) -> list[bytes]:
    """What `command` made a request of."""
    parts, at = [], request.index(b"\r\n") + 2
    while at < len(request):
        end = request.index(b"\r\n", at)
        start, size = end + 2, int(request[at + 1 : end])
        parts.append(request[start : start + size])
        at = start + size + 2
    return parts


def pattern_of(beginning: bytes) -> bytes:
    """The pattern of all names that begin with this."""
    return _SPECIAL.sub(rb"\\\1", beginning) + b"*"


class Script:
    """Lua, to be called by its hash."""

    def __init__(self, *parts: str) -> None:
        self.source = "\n".join(parts).encode()
        self.sha = hashlib.sha1(self.source, usedforsecurity=False).hexdigest().encode()

    def request(self, keys: Sequence[bytes], values: Sequence[bytes]) -> bytes:
        """The command that runs it."""
        return command(b"EVALSHA", self.sha, b"%d" % len(keys), *keys, *values)

    def in_full(self, request: bytes) -> bytes:
        """The same command for a Redis that does not know the script."""
        count, _, rest = request.partition(b"\r\n")
        by_hash = b"$7\r\nEVALSHA\r\n$40\r\n%b\r\n" % self.sha
        return b"%b\r\n$4\r\nEVAL\r\n$%d\r\n%b\r\n" % (count, len(self.source), self.source) + rest[len(by_hash) :]


NOW = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
"""
"""What a script that needs the time begins with."""

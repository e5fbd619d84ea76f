"""The header `traceparent`: which trace a request is part of (W3C Trace Context, 3.2).

00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
version, trace, the caller's span, flags
"""

import re
from os import urandom
from typing import NamedTuple

_FORM = re.compile(r"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_SAMPLED = 0x01


class TraceParent(NamedTuple):
    """
    :ivar trace_id: 32 hexadecimal digits, the same for all that belongs to the trace
    :ivar span_id: 16 of the caller's span
    """

    trace_id: str
    span_id: str
    sampled: bool

    def child(self) -> str:
        """The header for a request that this one leads to: the same trace, a span of its own."""
        span = 0
        while not span:  # which stands for none
            span = int.from_bytes(urandom(8))
        return f"00-{self.trace_id}-{span:016x}-{self.sampled:02x}"


def read(header: str) -> TraceParent | None:
    """What the header says; None where it is invalid, which is as if it were not there.

    A header that came twice is a list, and so is invalid. Of a version that is not known what 00 has counts (3.2.4).
    """
    found = _FORM.fullmatch(header)
    if found is None or (found[1] == "00" and found[5] is not None):
        return None
    return TraceParent(found[2], found[3], bool(int(found[4], 16) & _SAMPLED))

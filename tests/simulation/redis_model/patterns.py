"""The patterns of names that Redis knows."""

import re
from functools import lru_cache


@lru_cache(1000)
def matching(pattern: bytes) -> "re.Pattern[bytes]":
    """What matches whole names."""
    found, at = b"", 0
    while at < len(pattern):
        each = pattern[at : at + 1]
        at += 1
        if each == b"*":
            found += b".*"
        elif each == b"?":
            found += b"."
        elif each == b"[" and (end := pattern.find(b"]", at)) >= 0:
            found += b"[" + pattern[at:end].replace(b"\\", b"\\\\") + b"]"
            at = end + 1
        else:
            if each == b"\\" and at < len(pattern):
                each, at = pattern[at : at + 1], at + 1
            found += re.escape(each)
    return re.compile(found + rb"\Z", re.DOTALL)

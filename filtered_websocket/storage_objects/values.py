"""How names and values are stored: bytes, and str again where they are UTF-8."""

from collections.abc import Callable
from typing import Any

Convert = Callable[[Any], Any] | None
"""What makes of a reply what was asked for; None: the reply itself."""


def as_bytes(value: str | bytes) -> bytes:
    """A name or value as it is stored. Lone surrogates, which clients can send in JSON, are kept, not refused."""
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    raise TypeError(f"str or bytes wanted, not {type(value).__name__}")


def as_text(raw: bytes) -> str:
    """What :func:`as_bytes` stored as str; what other programs stored otherwise keeps its bytes as surrogates."""
    try:
        return raw.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return raw.decode("utf-8", "surrogateescape")


def as_value(raw: bytes) -> str | bytes:
    """A stored value: str if it is valid UTF-8 (lone surrogates allowed), else the bytes."""
    try:
        return raw.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return raw


def check_text(*values: object) -> None:
    """:raises TypeError: one of these is no str. Memory refuses what Redis could not store."""
    for value in values:
        if not isinstance(value, str):
            raise TypeError(f"str wanted, not {type(value).__name__}")

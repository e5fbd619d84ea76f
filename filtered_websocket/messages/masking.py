"""Masking (RFC 6455, 5.3): the exclusive or of a payload and four bytes that a client has chosen."""

from collections.abc import Callable

Buffer = bytes | bytearray | memoryview

apply_mask: Callable[[Buffer, Buffer], bytes]
"""A payload masked or unmasked with these four bytes, its first one with the first."""
try:
    from websockets.speedups import apply_mask  # type: ignore[assignment]  # its types know no mask in a memoryview
except ImportError:

    def apply_mask(data: Buffer, mask: Buffer) -> bytes:
        """An XOR of two integers: faster than Autobahn's masker below a few KiB (docs/performance.md)."""
        size = len(data)
        repeated = (bytes(mask) * (size // 4 + 1))[:size]
        return (int.from_bytes(data, "little") ^ int.from_bytes(repeated, "little")).to_bytes(size, "little")

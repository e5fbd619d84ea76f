"""Masking (RFC 6455, 5.3): the exclusive or of a payload and four bytes that a client has chosen."""

from collections.abc import Callable

from filtered_websocket.messages.accelerator import accelerated

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


@accelerated
def append_unmasked(payload: bytearray, data: bytes, begin: int, masks: bytes, length: int) -> bool | None:
    """Append to a payload what has come next of it.

    :param payload: what came before
    :param begin: where in these bytes it goes on; what is behind its end is left
    :param masks: the mask, twice
    :param length: of all of it. C asks for room ahead: sixteen times what has come, and no more than this
    :returns: whether what was appended is ASCII, which C sees in passing; None: nobody has looked
    """
    at = len(payload)
    payload += apply_mask(memoryview(data)[begin : begin + max(0, length - at)], masks[at % 4 : at % 4 + 4])
    return None

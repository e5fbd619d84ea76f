"""Both maskers: that of the library websockets, and the one where it is not installed."""

import subprocess
import sys

from filtered_websocket.messages import masking

MASK = b"\x37\xfa\x21\x3d"


def fallback(pairs):
    """What the masker gives where the C library is not installed: another process, which cannot import it."""
    script = (
        "import sys; sys.modules['websockets.speedups'] = None\n"
        "from filtered_websocket.messages import masking\n"
        "assert masking.apply_mask.__module__ == masking.__name__\n"
        f"for data, mask in {pairs!r}: print(masking.apply_mask(data, mask).hex())\n"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    return [bytes.fromhex(line) for line in ended.stdout.split("\n")[:-1]]


def test_the_masker_without_the_c_library_does_what_the_c_library_does():
    assert masking.apply_mask.__module__ != masking.__name__, "the C masker of websockets is not installed"
    masks = [b"\x00\x00\x00\x00", b"\xff\xff\xff\xff", MASK, b"\x00\x00\x00\x01", b"\x80\x00\x00\x00"]
    pairs = [(bytes(range(256))[:size], mask) for size in (0, 1, 2, 3, 4, 5, 7, 8, 63, 125, 256) for mask in masks]
    pairs += [(b"\x00" * size, mask) for size in (1, 4, 9) for mask in masks]
    wanted = [bytes(byte ^ mask[index % 4] for index, byte in enumerate(data)) for data, mask in pairs]
    assert [bytes(masking.apply_mask(data, mask)) for data, mask in pairs] == wanted
    assert fallback(pairs) == wanted

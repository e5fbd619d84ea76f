"""Any bytes as requests and handshakes, split anywhere: what the server reads is what h11 and wsproto read, or the
table says why not.

An input is a byte that says how many cuts there are, two bytes for each, and the stream.
"""

from tests.fuzz.targets.byte_stream import pieces_of
from tests.parsers.differences import explain
from tests.parsers.head_differences import TABLE
from tests.parsers.heads import Ours, parted, steps_of_h11


class Target:
    def __init__(self) -> None:
        self._ours = Ours()

    def __call__(self, data: bytes) -> None:
        pieces = [each for each in pieces_of(data) if each]
        explain(parted(self._ours.steps(pieces), steps_of_h11(b"".join(pieces))), TABLE)

    def close(self) -> None:
        self._ours.close()

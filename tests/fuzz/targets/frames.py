"""Any bytes as frames, split anywhere: what the server reads is what wsproto reads, or the table says why not.

An input is as those of `byte_stream`.
"""

from tests.fuzz.targets.byte_stream import DEFLATE, framed_pieces_of
from tests.parsers.differences import explain
from tests.parsers.frames import TABLE, Ours, parted


class Target:
    def __init__(self) -> None:
        self._ours = Ours()

    def __call__(self, data: bytes) -> None:
        if data:
            explain(parted(self._ours, framed_pieces_of(data[0], data[1:]), bool(data[0] & DEFLATE)), TABLE)

    def close(self) -> None:
        self._ours.close()

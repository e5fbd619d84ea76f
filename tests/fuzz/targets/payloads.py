"""Any bytes as the body of a POST of Engine.IO: what we read is what python-engineio reads, or the table says why not.

An input is a byte that says the version (odd: 3, even: 4), and the body.
"""

from tests.parsers.differences import explain
from tests.parsers.payloads import TABLE, Theirs, parted


class Target:
    def __init__(self) -> None:
        self._theirs = Theirs(4), Theirs(3)

    def __call__(self, data: bytes) -> None:
        if data:
            explain(parted(data[1:], self._theirs[data[0] & 1]), TABLE)

    def close(self) -> None: ...

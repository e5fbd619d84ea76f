"""Any text as a packet of Socket.IO, and bytes as its attachments: what we read is what python-socketio reads, or the
table says why not.

An input is a byte that says the version (odd: 4, even: 5), and the text and the attachments, with
`BETWEEN` between them.
"""

from tests.parsers.differences import explain
from tests.parsers.packets import TABLE, Theirs, parted

BETWEEN = b"\x00\xff"


class Target:
    def __init__(self) -> None:
        self._theirs = Theirs(5), Theirs(4)

    def __call__(self, data: bytes) -> None:
        if data:
            text, *attachments = data[1:].split(BETWEEN)
            explain(parted(text.decode("utf-8", "replace"), attachments, self._theirs[data[0] & 1]), TABLE)

    def close(self) -> None: ...

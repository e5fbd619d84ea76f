"""Any text as a token: what we take is what joserfc takes, or the table says why not.

An input is a byte and the token; with an odd one, the texts of its header and its claims with `BETWEEN` between them,
which are signed.
"""

from tests.parsers.differences import explain
from tests.parsers.tokens import TABLE, made, parted

BETWEEN = b"\x00\xff"


class Target:
    def __call__(self, data: bytes) -> None:
        if data:
            header, _, claims = data[1:].partition(BETWEEN)
            token = made(header, claims) if data[0] & 1 else data[1:].decode("utf-8", "replace")
            explain(parted(token), TABLE)

    def close(self) -> None: ...

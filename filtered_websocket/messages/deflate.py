"""permessage-deflate (RFC 7692): which offer is taken, and how what comes is inflated. Pure.

1. An offer that cannot be taken is declined, and the next is tried: no offer can make a handshake fail (section 5.1).
2. Nothing is asked of a client but what it has offered. What it sends is inflated with the context of its earlier
   messages, whatever it has agreed to: some clients keep it all the same (Jetty's), and it does no harm to the others.
3. A message is all that was sent of it, to the last byte that the inflater still holds, or an error.

What is sent needs no context: `frames.make_deflated`.
"""

import zlib
from collections.abc import Sequence
from functools import lru_cache

from websockets.exceptions import InvalidHeaderFormat
from websockets.headers import parse_extension

NAME = "permessage-deflate"

CLIENT_WINDOW = 12
"""Bits of the window that a client is asked to keep to: an inflater then takes 13 KB, not 41 (docs/performance.md)."""
MAX_FINAL_BLOCKS = 64
"""In one message. Each costs an inflater. A sender that ends its stream with each message or fragment needs few."""

_SERVER_FORGETS, _CLIENT_FORGETS = "server_no_context_takeover", "client_no_context_takeover"
_SERVER_BITS, _CLIENT_BITS = "server_max_window_bits", "client_max_window_bits"
_PARAMETERS = {_SERVER_FORGETS, _CLIENT_FORGETS, _SERVER_BITS, _CLIENT_BITS}
_WINDOWS = {str(bits): bits for bits in range(8, 16)}
_LEAST_WINDOW = 9
"""Bits of the least window that zlib compresses with."""
_TAIL = b"\0\0\xff\xff"
"""What a sender leaves out at the end of each message (section 7.2.1)."""


class TooLargeError(Exception):
    """A message inflates to more than there is room for."""


def negotiate(header: str) -> "tuple[Deflate, str] | None":
    """Take the first offer that can be taken.

    :param header: the client's Sec-WebSocket-Extensions
    :returns: the extension, and its answer for the 101; None where nothing is taken
    """
    agreed = _agreed(header)
    return (Deflate(*agreed[:2]), agreed[2]) if agreed is not None else None


@lru_cache(64)  # the clients of one library, or one browser, all say the same
def _agreed(header: str) -> tuple[int, int, str] | None:
    for offer in header.split(","):
        if offer.count('"') % 2:
            # A comma in quotes, where only a token may stand (RFC 6455, 9.1): what follows cannot be told.
            return None
        try:
            parsed = parse_extension(offer.strip())
        except InvalidHeaderFormat:
            continue
        for name, parameters in parsed:
            taken = _take(parameters, _can_narrow(offer)) if name.lower() == NAME else None
            if taken is not None:
                return taken
    return None


def _can_narrow(offer: str) -> bool:
    """Whether a client that offers client_max_window_bits can be taken at its word.

    Netty's cannot send anything when it is (without jzlib, which it does not bring), Jetty's keeps its 32 KB. Both
    write the parameter without a space in front, unlike browsers and the libraries that can.
    """
    return f";{_CLIENT_BITS}" not in offer.lower()


def _take(parameters: Sequence[tuple[str, str | None]], can_narrow: bool) -> tuple[int, int, str] | None:
    """What is agreed if this offer is taken: `Deflate`'s parameters, and the answer."""
    asked = {name.lower(): value for name, value in parameters}
    if len(asked) < len(parameters) or not _PARAMETERS.issuperset(asked):
        return None
    answer = [NAME]
    for name in (_SERVER_FORGETS, _CLIENT_FORGETS):
        if name in asked:
            if asked[name] is not None:
                return None
            answer.append(name)
    server_bits = client_bits = 15
    if _SERVER_BITS in asked:
        server_bits = _WINDOWS.get(asked[_SERVER_BITS] or "", 0)
        if server_bits < _LEAST_WINDOW:
            return None
        answer.append(f"{_SERVER_BITS}={server_bits}")
    if _CLIENT_BITS in asked:
        hint = asked[_CLIENT_BITS]
        if hint is not None and hint not in _WINDOWS:
            return None
        if can_narrow:
            client_bits = min(CLIENT_WINDOW, _WINDOWS[hint or "15"])
            answer.append(f"{_CLIENT_BITS}={client_bits}")
    return server_bits, client_bits, "; ".join(answer)


class Deflate:
    """The extension as agreed with one client.

    :param server_max_window_bits: of the window that what is sent to it is compressed with
    :param client_max_window_bits: of the window that it compresses with
    """

    __slots__ = ("_begun", "_client_bits", "_final_blocks", "_inflater", "server_max_window_bits")

    EXTENSION_NAME = NAME

    def __init__(self, server_max_window_bits: int, client_max_window_bits: int) -> None:
        self.server_max_window_bits = server_max_window_bits
        self._client_bits = max(_LEAST_WINDOW, client_max_window_bits)
        # Made when it is needed: many clients only listen.
        self._inflater: zlib._Decompress | None = None
        self._begun = False
        self._final_blocks = 0

    def start_decompress_message(self) -> None:
        """A compressed message begins (Autobahn's name)."""
        self._begun = False
        self._final_blocks = 0

    def inflate(self, data: bytes, room: int) -> bytes:
        """Inflate the next bytes of a message.

        :param room: the most that may come out, in bytes
        :raises TooLargeError: more would come out
        :raises zlib.error: no deflated data
        """
        inflated = b""
        while data:
            if self._inflater is None:
                self._inflater = zlib.decompressobj(-self._client_bits)
            self._begun = True
            # One byte more than there is room for: zlib has given all it has when it gives less than it may.
            inflated += self._inflater.decompress(data, room + 1 - len(inflated))
            if len(inflated) > room:
                raise TooLargeError
            if not self._inflater.eof:
                break
            # A sender may end its stream and begin another, in mid-message or with the next (section 7.2.3.4).
            data = self._inflater.unused_data
            self._inflater = None
            self._begun = False
            self._final_blocks += 1
            if self._final_blocks > MAX_FINAL_BLOCKS:
                raise zlib.error("too many final blocks in one message")
        return inflated

    def end(self, room: int) -> bytes:
        """End a message; what comes out at its end. Parameters and errors as of `inflate`."""
        # Behind a final block, or nothing at all, there is no empty block of which the end was left out.
        return self.inflate(_TAIL, room) if self._begun else b""

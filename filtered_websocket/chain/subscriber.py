"""What receives a channel."""

from collections.abc import Callable
from typing import Protocol

from filtered_websocket.messages.batch import Batch

Send = Callable[[bytes], int]
"""A bound ``send`` of a socket."""


class Subscriber(Protocol):
    """What the hub knows of what receives a channel: a connection, or what a pack or an endpoint puts in its place."""

    id: str

    @property
    def channels(self) -> set[str]: ...
    @property
    def direct(self) -> Send | None:
        """The bound ``send`` of a socket, or of TLS, that takes uncompressed frames now, or None."""

    def deliver(self, batch: Batch, policy: str) -> None:
        """Take these messages, at whatever pace; `policy` says what to lose if the pace is too slow."""

    def finish(self, blob: bytes, sent: int) -> None:
        """The direct send took only `sent` bytes of this blob: see to the rest."""

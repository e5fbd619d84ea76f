"""Messages of one channel, encoded once for each encoding that its subscribers want."""

from collections.abc import Callable, Hashable, Sequence
from typing import Any, TypeVar

from filtered_websocket.messages import frames
from filtered_websocket.messages.message import Message

T = TypeVar("T")


class Batch:
    """Messages on their way to one subscriber or many, encoded once for each way of encoding that is asked for.

    :ivar groups: the same messages, grouped as they were published together: a client that loses
        one of a group loses all of it
    """

    __slots__ = ("_deflated", "_encodings", "_plain", "channel", "groups", "messages")

    _encodings: dict[Hashable, Any]

    def __init__(
        self, channel: str, messages: Sequence[Message], groups: Sequence[Sequence[Message]] | None = None
    ) -> None:
        self.channel = channel
        self.messages = messages
        self.groups = (messages,) if groups is None else groups
        self._plain: bytes | None = None
        self._deflated: dict[int, bytes] | None = None

    @property
    def plain(self) -> bytes:
        """The messages as uncompressed frames, joined."""
        if self._plain is None:
            make = frames.make
            self._plain = b"".join([make(payload, binary) for payload, binary in self.messages])
        return self._plain

    @plain.setter
    def plain(self, frames_joined: bytes) -> None:
        self._plain = frames_joined

    def encoded(self, encoding: Hashable, encode: Callable[["Batch"], T]) -> T:
        """This batch in an encoding that only some subscribers want, made once for all of them.

        :param encoding: its name
        """
        try:
            encodings = self._encodings
        except AttributeError:  # few batches have any, and batches are made in a hot path
            encodings = self._encodings = {}
        if encoding not in encodings:
            encodings[encoding] = encode(self)
        encoded: T = encodings[encoding]
        return encoded

    def split(self) -> "Sequence[Batch]":
        """One for each group."""
        return self.encoded("split", _split) if len(self.groups) > 1 else (self,)

    def deflated(self, window_bits: int) -> bytes:
        """The messages as frames compressed for this window size, joined."""
        if self._deflated is None:
            self._deflated = {}
        blob = self._deflated.get(window_bits)
        if blob is None:
            make = frames.make_deflated
            blob = b"".join([make(payload, binary, window_bits) for payload, binary in self.messages])
            self._deflated[window_bits] = blob
        return blob


def _split(batch: Batch) -> list[Batch]:
    return [Batch(batch.channel, group) for group in batch.groups]

"""A publication: what was published to a channel, on its way to the channel's subscribers."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from filtered_websocket.messages.message import Message

MAX_OFFSET = 2**63 - 1
"""Storage keeps offsets as 64 bits."""
MAX_EPOCH = 64
"""Characters of an epoch in a text that a client sends."""


class Position(NamedTuple):
    """Where a publication stands in its channel's history: offsets count from 1 within one epoch."""

    epoch: str
    offset: int

    @classmethod
    def read(cls, text: str) -> "Position":
        """The position in ``EPOCH:OFFSET``, as `str` writes it.

        :raises ValueError: it is none
        """
        epoch, _, offset = text.rpartition(":")
        if not (0 < len(epoch) <= MAX_EPOCH and epoch.isascii() and epoch.isprintable() and " " not in epoch):
            raise ValueError("a position is EPOCH:OFFSET")
        if not (offset.isascii() and offset.isdecimal() and len(offset) <= len(str(MAX_OFFSET))):
            raise ValueError("a position is EPOCH:OFFSET, where the offset is a number")
        return cls(epoch, int(offset)).checked()

    def checked(self) -> "Position":
        """This position, if it can be one: a client may have chosen it.

        :raises TypeError: its epoch is no str, or its offset no int
        :raises ValueError: its offset is none
        """
        if not isinstance(self.epoch, str) or type(self.offset) is not int:
            raise TypeError(f"a position is a str and an int, not {self!r:.80}")
        if not 0 <= self.offset <= MAX_OFFSET:
            raise ValueError(f"an offset is a number from 0 to {MAX_OFFSET}")
        return self

    def __str__(self) -> str:
        return f"{self.epoch}:{self.offset}"


class Publication:
    """One published message, or several sent together, for the subscribers of one channel.

    :ivar channel: the channel's name
    :ivar messages: a tuple of ``(payload: bytes, is_binary: bool)``
    :ivar exclude: ids of subscribers that get nothing
    :ivar position: a :class:`Position` when the channel keeps history, else None
    :ivar besides: channels that the same messages were published to together with this one, and before it: a subscriber
        of one of them has had its copy
    :ivar replayed: it comes from history, for clients that missed it; others have had it
    """

    __slots__ = ("besides", "channel", "exclude", "messages", "position")
    replayed = False

    def __init__(
        self,
        channel: str,
        messages: Sequence[Message],
        exclude: Collection[str] = (),
        position: Position | None = None,
        besides: Collection[str] = (),
    ) -> None:
        self.channel = channel
        self.messages = messages
        self.exclude = exclude
        self.position = position
        self.besides = besides

    @property
    def payload(self) -> bytes:
        """The payload of the first message."""
        return self.messages[0][0]

    def with_payload(self, payload: str | bytes) -> "Publication":
        """The same publication with another payload, str for text and bytes for binary: what a filter returns."""
        message = (payload.encode(), False) if isinstance(payload, str) else (bytes(payload), True)
        return type(self)(self.channel, (message,), self.exclude, self.position, self.besides)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Publication):
            return NotImplemented
        return (self.channel, tuple(self.messages), set(self.exclude), self.position, set(self.besides)) == (
            other.channel,
            tuple(other.messages),
            set(other.exclude),
            other.position,
            set(other.besides),
        )

    __hash__ = None  # type: ignore[assignment]  # holds collections that callers own

    def __repr__(self) -> str:
        return f"Publication({self.channel!r}, {self.messages!r}, {self.exclude!r}, {self.position!r})"


class Replayed(Publication):
    """A publication as history gives it back, for clients that missed it."""

    __slots__ = ()
    replayed = True

"""Messages of one channel, encoded once for each encoding that its subscribers want."""

from collections.abc import Callable, Hashable, Sequence
from itertools import accumulate, chain, starmap
from typing import Any, TypeVar

from filtered_websocket.messages import frames
from filtered_websocket.messages.encoding import Encoding
from filtered_websocket.messages.message import Message

T = TypeVar("T")

PLAIN = 0
"""In place of a window size: frames that are not compressed."""


class Batch:
    """Messages on their way to one subscriber or many, encoded once for each way of encoding that is asked for.

    :ivar groups: the messages, grouped as they were published together: a client that loses one of a group loses all
        of it
    """

    __slots__ = ("_deflated", "_encodings", "_plain", "channel", "groups")

    _encodings: dict[Hashable, Any]

    def __init__(self, channel: str, groups: Sequence[Sequence[Message]]) -> None:
        self.channel = channel
        self.groups = groups
        self._plain: bytes | None = None
        self._deflated: dict[int, bytes] | None = None

    @property
    def messages(self) -> Sequence[Message]:
        """The messages of all groups."""
        groups = self.groups
        return groups[0] if len(groups) == 1 else [message for group in groups for message in group]

    @property
    def plain(self) -> bytes:
        """The messages as uncompressed frames, joined."""
        if self._plain is None:
            self._plain = joined(self.groups)
        return self._plain

    def deflated(self, window_bits: int) -> bytes:
        """The messages as frames compressed for this window size, joined."""
        if self._deflated is None:
            self._deflated = {}
        blob = self._deflated.get(window_bits)
        if blob is None:
            make = frames.make_deflated
            made = [make(payload, binary, window_bits) for group in self.groups for payload, binary in group]
            blob = self._deflated[window_bits] = b"".join(made)
        return blob

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

    def in_encoding(self, encoding: Encoding) -> "Batch":
        """This batch as the clients of an encoding get it, made once for all of them."""
        return self.encoded(encoding, lambda batch: Batch(batch.channel, batch._groups_in(encoding)))

    def plain_in(self, encoding: Encoding | None) -> bytes:
        """The same as uncompressed frames, joined; in no encoding as it is."""
        return self.plain if encoding is None else self.in_encoding(encoding).plain

    def _groups_in(self, encoding: Encoding) -> list[Sequence[Message]]:
        return [encoding.encode(group, self.channel) for group in self.groups]

    def split(self) -> "Sequence[Batch]":
        """One for each group."""
        return self.encoded("split", _split) if len(self.groups) > 1 else (self,)

    def cut(self, window_bits: int, missed: Sequence[int]) -> bytes:
        """The frames of some groups, cut out of those of all: each group is encoded once, whatever is cut.

        :param window_bits: of compressed frames; `PLAIN`
        :param missed: the places of the groups that are left out, ascending
        """
        blob, begins = self.encoded(("cut", window_bits), lambda batch: batch._joined(window_bits))
        view, begin, parts = memoryview(blob), 0, []
        for place in missed:
            parts.append(view[begin : begins[place]])
            begin = begins[place + 1]
        parts.append(view[begin:])
        return b"".join(parts)

    def _joined(self, window_bits: int) -> tuple[bytes, list[int]]:
        """The frames of all groups, and where in them each group begins; the last is their end."""
        made = [_frames(group, window_bits) for group in self.groups]
        blob = b"".join(made)
        if window_bits == PLAIN:
            self._plain = blob
        return blob, list(accumulate(map(len, made), initial=0))


class Rest(Batch):
    """A batch without some of its groups. Frames that both need are made once.

    :param whole: what it is the rest of
    :param missed: the places of the groups that are left out, ascending
    """

    __slots__ = ("_missed", "_whole")

    def __init__(self, whole: Batch, missed: Sequence[int]) -> None:
        groups = list(whole.groups)
        for place in reversed(missed):
            del groups[place]
        super().__init__(whole.channel, groups)
        self._whole, self._missed = whole, missed

    @property
    def plain(self) -> bytes:
        """The messages as uncompressed frames, joined."""
        if self._plain is None:
            self._plain = self._whole.cut(PLAIN, self._missed)
        return self._plain

    def deflated(self, window_bits: int) -> bytes:
        """The messages as frames compressed for this window size, joined."""
        return self._whole.cut(window_bits, self._missed)

    def in_encoding(self, encoding: Encoding) -> Batch:
        """What is left of the whole in that encoding."""
        return self.encoded(encoding, lambda rest: Rest(self._whole.in_encoding(encoding), self._missed))

    def split(self) -> Sequence[Batch]:
        """One for each group."""
        parts = list(self._whole.split())
        for place in reversed(self._missed):
            del parts[place]
        return parts


class Row(Batch):
    """Batches one behind the other. The frames of each are made once, whatever rows it is in."""

    __slots__ = ("_batches",)

    def __init__(self, channel: str, batches: Sequence[Batch]) -> None:
        self.channel, self._batches = channel, batches
        self._plain = self._deflated = None

    @property
    def groups(self) -> Sequence[Sequence[Message]]:  # type: ignore[override]  # few are asked for them
        """The messages, grouped as they were published together."""
        return [group for each in self._batches for group in each.groups]

    @property
    def plain(self) -> bytes:
        """The messages as uncompressed frames, joined."""
        if self._plain is None:
            self._plain = b"".join([each._plain or each.plain for each in self._batches])
        return self._plain

    def deflated(self, window_bits: int) -> bytes:
        """The messages as frames compressed for this window size, joined."""
        return self.encoded(
            ("deflated", window_bits), lambda _: b"".join([each.deflated(window_bits) for each in self._batches])
        )

    def in_encoding(self, encoding: Encoding) -> Batch:
        """This row as the clients of an encoding get it, made once for all of them."""
        return self.encoded(
            encoding, lambda _: Row(self.channel, [each.in_encoding(encoding) for each in self._batches])
        )

    def split(self) -> Sequence[Batch]:
        """One for each group."""
        return [part for each in self._batches if each.groups for part in each.split()]


def joined(groups: Sequence[Sequence[Message]]) -> bytes:
    """Messages as uncompressed frames, joined."""
    if len(groups) == 1 and len(groups[0]) == 1:
        return frames.make(*groups[0][0])
    return b"".join(starmap(frames.make, chain.from_iterable(groups)))


def _frames(group: Sequence[Message], window_bits: int) -> bytes:
    if window_bits == PLAIN:
        return b"".join([frames.make(payload, binary) for payload, binary in group])
    return b"".join([frames.make_deflated(payload, binary, window_bits) for payload, binary in group])


def _split(batch: Batch) -> list[Batch]:
    return [Batch(batch.channel, (group,)) for group in batch.groups]

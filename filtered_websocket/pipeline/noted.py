"""What was collected, as notes: whose it is, and the bytes, which all share.

At the turn's end those that only one note is for, most of them, are sent it as it is, and those that get the same of
several in one loop. If something is to come behind it for a connection before, each connection is made to hold its own
(`corks.collect`).
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from filtered_websocket.chain.interfaces import Send
from filtered_websocket.pipeline.corks import MAX_CORKED, Corked, release
from filtered_websocket.pipeline.fan_out import fan_out

MAX_NOTED = MAX_CORKED
"""Bytes that are noted. Then each connection holds its own, so that for none of them more is noted than it may hold."""


class Note(NamedTuple):
    """What was collected of a channel: the fast road, and the bytes."""

    sends: Sequence[Send]
    owners: Sequence[Corked]
    blob: bytes


class Noted:
    """
    :ivar notes: what was collected, in its order
    :ivar stale: to be set when something leaves a fast road: then each is looked at
    """

    __slots__ = ("_room", "notes", "stale")

    def __init__(self) -> None:
        self.notes: list[Note] = []
        self.stale = False
        self._room = MAX_NOTED

    def note(self, sends: Sequence[Send], owners: Sequence[Corked], blob: bytes) -> bool:
        """Note what these are to be sent; whether there is room for more."""
        if not self.notes:
            self.stale = False
        self.notes.append(Note(sends, owners, blob))
        self._room -= len(blob)
        return self._room > 0

    def take(self) -> list[Note]:
        """What is noted, to be noted no more."""
        notes, self.notes = self.notes, []
        self._room = MAX_NOTED
        return notes

    def release(self, corked: Iterable[Corked]) -> int:
        """Send what is noted, behind what connections hold back: past them, where they are on the fast road.

        :param corked: those that hold something back
        :returns: bytes that were sent past them
        """
        apart, seen = set(corked), set[Corked]()
        stale, notes = self.stale, self.take()
        for note in notes:
            apart.update(note.owners if stale else seen.intersection(note.owners))
            seen.update(note.owners)
        bytes_out = 0
        blobs_of: defaultdict[Corked, list[bytes]] = defaultdict(list)
        for sends, owners, blob in notes:
            if not apart.isdisjoint(owners):
                alone = []
                for send, owner in zip(sends, owners, strict=True):
                    if owner in apart:
                        blobs_of[owner].append(blob)
                    else:
                        alone.append((send, owner))
                if not alone:
                    continue
                sends, owners = zip(*alone, strict=True)  # noqa: PLW2901 - what is left of the note
            bytes_out += len(blob) * len(sends)
            fan_out(sends, owners, blob)
        return bytes_out + _send_several(blobs_of)


def _send_several(blobs_of: dict[Corked, list[bytes]]) -> int:
    """Send to each connection all that is for it. Those that get the same share it, and one loop."""
    alike: dict[tuple[bytes, ...], tuple[list[Send], list[Corked]]] = {}
    others: list[Corked] = []
    for connection, blobs in blobs_of.items():
        if connection.corked:
            blobs.insert(0, connection.corked)
            connection.corked = b""
        send = connection.direct
        if send is None:
            connection.corked = b"".join(blobs)
            others.append(connection)
            continue
        key = tuple(blobs)
        group = alike.get(key)
        if group is None:
            group = alike[key] = [], []
        group[0].append(send)
        group[1].append(connection)
    bytes_out = 0
    for blobs_of_all, (sends, owners) in alike.items():
        blob = blobs_of_all[0] if len(blobs_of_all) == 1 else b"".join(blobs_of_all)
        bytes_out += len(blob) * len(sends)
        fan_out(sends, owners, blob)
    # Last: these may end, or say something to others.
    return bytes_out + release(others)

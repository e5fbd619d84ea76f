"""What was collected, as a note: whose it is, and the bytes, which all share.

At the turn's end those that get the same are sent it in one loop. If something is to come behind it for a connection
before, each connection is made to hold its own (`corks.collect`).
"""

from collections import defaultdict
from collections.abc import Sequence

from filtered_websocket.chain.interfaces import Send
from filtered_websocket.pipeline.corks import MAX_CORKED, Corked, release
from filtered_websocket.pipeline.fan_out import fan_out

MAX_NOTED = MAX_CORKED
"""Bytes that are noted. Then each connection holds its own, so that for none of them more is noted than it may hold."""


class Noted:
    """
    :ivar notes: what was collected, in its order
    """

    __slots__ = ("_room", "notes")

    def __init__(self) -> None:
        self.notes: list[tuple[Sequence[Corked], bytes]] = []
        self._room = MAX_NOTED

    def note(self, connections: Sequence[Corked], blob: bytes) -> bool:
        """Note what these connections are to be sent; whether there is room for more."""
        self.notes.append((connections, blob))
        self._room -= len(blob)
        return self._room > 0

    def take(self) -> list[tuple[Sequence[Corked], bytes]]:
        """What is noted, to be noted no more."""
        notes, self.notes, self._room = self.notes, [], MAX_NOTED
        return notes

    def release(self) -> int:
        """Send what is noted, behind what each connection holds back: past them, where they are on the fast road.

        :returns: bytes that were sent past them
        """
        blobs_of: defaultdict[Corked, list[bytes]] = defaultdict(list)
        for connections, blob in self.take():
            for connection in connections:
                blobs_of[connection].append(blob)
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

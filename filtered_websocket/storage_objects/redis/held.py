"""What this node holds at one Redis: presence entries and subscriber counts, and the scripts that tell Redis of them.

It is held under a name. A lease that begins again takes a new name, and claims everything for it.
"""

import time
from typing import Any

from twisted.internet.defer import Deferred

from filtered_websocket.storage_objects.redis.interfaces import OneRedis
from filtered_websocket.storage_objects.redis.lease_scripts import JOIN, LEAVE, RENEW, STATE_SECONDS, TRACK
from filtered_websocket.storage_objects.values import as_bytes

Entry = tuple[str, str, str]
"""Channel, member, holder."""


class Membership:
    """``answered``: Redis has said that it knows of this entry."""

    __slots__ = ("answered", "info")

    def __init__(self, info: str) -> None:
        self.info, self.answered = info, False


class Held:
    """
    :param shard: whose connection is used
    :param prefix: of all keys
    :ivar name: what it is held under; empty before the first lease
    """

    def __init__(self, shard: OneRedis, prefix: bytes) -> None:
        self._shard, self._prefix = shard, prefix
        self.name = b""
        self.entries: dict[Entry, Membership] = {}
        self._counts: dict[str, int] = {}
        self._refreshed = 0.0

    # What is held.

    def put(self, entry: Entry, info: str) -> Membership:
        self.entries.pop(entry, None)  # so that it is claimed as the newest
        membership = self.entries[entry] = Membership(info)
        return membership

    def drop(self, entry: Entry) -> bool:
        """Whether it was held."""
        return self.entries.pop(entry, None) is not None

    def count(self, channel: str, count: int) -> None:
        if count:
            self._counts[channel] = count
        else:
            self._counts.pop(channel, None)

    def answered(self) -> list[Entry]:
        return [entry for entry, membership in self.entries.items() if membership.answered]

    # Telling Redis.

    def join(self, entry: Entry, info: str) -> Deferred[Any]:
        keys = (self.key(b"nodes"), self._presence(entry[0]), self.own(b"p"))
        return self._shard.run(JOIN, keys, (self.name, *map(as_bytes, entry), as_bytes(info)), None)

    def leave(self, entry: Entry) -> Deferred[Any]:
        keys = (self.key(b"nodes"), self._presence(entry[0]), self.own(b"p"))
        return self._shard.run(LEAVE, keys, (self.name, *map(as_bytes, entry)), None)

    def track(self, channel: str, count: int) -> Deferred[Any]:
        keys = (self.key(b"nodes"), self.own(b"t"), self.key(b"totals"), self.key(b"occupied"))
        return self._shard.run(TRACK, keys, (self.name, as_bytes(channel), b"%d" % count), None)

    def renew(self, lease: int, new: bool) -> Deferred[Any]:
        """Have the lease of this name for so many milliseconds from now; with ``new`` it begins."""
        names = (b"nodes", b"totals", b"occupied")
        keys = (*map(self.key, names), self.own(b"p"), self.own(b"t"))
        values = self.name, b"%d" % lease, b"%d" % new, self.key(b"swept:", self.name), self.key(b"clock")
        return self._shard.run(RENEW, keys, values, None)

    def claim(self) -> list[tuple[Entry | str, Deferred[Any]]]:
        """Tell it all, under the name of now: each entry and each channel, with what Redis answers."""
        asked: list[tuple[Entry | str, Deferred[Any]]] = []
        asked += [(entry, self.join(entry, membership.info)) for entry, membership in self.entries.items()]
        asked += [(channel, self.track(channel, count)) for channel, count in self._counts.items()]
        return asked

    def refresh(self) -> None:
        """Presence keys live for a day; those of channels we are in are to live on."""
        now = time.monotonic()
        if now - self._refreshed >= STATE_SECONDS / 24:
            self._refreshed = now
            for channel in {channel for channel, _, _ in self.entries}:
                self._shard.ask(b"EXPIRE", self._presence(channel), b"%d" % STATE_SECONDS).addErrback(lambda _: None)

    # Keys.

    def key(self, *parts: bytes) -> bytes:
        return self._prefix + b"".join(parts)

    def own(self, kind: bytes) -> bytes:
        return self.key(b"n:", self.name, b":", kind)

    def _presence(self, channel: str) -> bytes:
        return self.key(b"p:", as_bytes(channel))

"""What this node holds at one Redis: presence entries and subscriber counts, and the scripts that tell Redis of them.

It is held under a name. A lease that begins again takes a new name, and claims everything for it.
"""

import time
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.python.failure import Failure

from filtered_websocket.chain.deferreds import DONE
from filtered_websocket.storage_objects.redis.interfaces import OneRedis
from filtered_websocket.storage_objects.redis.lease_scripts import JOIN, LEAVE, RENEW, STATE_SECONDS, TRACK
from filtered_websocket.storage_objects.redis.parts import in_parts
from filtered_websocket.storage_objects.values import as_bytes

NO_EDGE: Deferred[Any] = succeed(0)
Entry = tuple[str, str, str]
"""Channel, member, holder."""


class Membership:
    """
    :ivar answered: Redis has said that it knows of this entry
    :ivar late: it was let go when its lease had ended
    :ivar told_left: others have swept it, and told that it left; nobody has told yet that it is back
    """

    __slots__ = ("answered", "info", "late", "told_left")

    def __init__(self, info: str) -> None:
        self.info = info
        self.answered = self.late = self.told_left = False


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
        before = self.entries.pop(entry, None)  # so that it is claimed as the newest
        membership = self.entries[entry] = Membership(info)
        membership.told_left = before is not None and before.told_left
        return membership

    def drop(self, entry: Entry) -> Membership | None:
        """What it was, if it was held."""
        return self.entries.pop(entry, None)

    def count(self, channel: str, count: int) -> None:
        if count:
            self._counts[channel] = count
        else:
            self._counts.pop(channel, None)

    def all(self) -> list[Entry | str]:
        """Everything: entries, and channels that are counted."""
        return [*self.entries, *self._counts]

    def answered(self) -> dict[Entry, Membership]:
        return {entry: membership for entry, membership in self.entries.items() if membership.answered}

    # Telling Redis.

    def join(self, entry: Entry, info: str) -> Deferred[Any]:
        return self._shard.run(JOIN, self._keys(entry[0]), (self.name, *map(as_bytes, entry), as_bytes(info)), None)

    def leave(self, entry: Entry) -> Deferred[Any]:
        return self._shard.run(LEAVE, self._keys(entry[0]), (self.name, *map(as_bytes, entry)), None)

    def track(self, channel: str, count: int) -> Deferred[Any]:
        keys = (self.key(b"nodes"), self.own(b"t"), self.key(b"totals"), self.key(b"occupied"))
        return self._shard.run(TRACK, keys, (self.name, as_bytes(channel), b"%d" % count), None)

    def renew(self, lease: int, new: bool) -> Deferred[Any]:
        """Have the lease of this name for so many milliseconds from now; with ``new`` it begins."""
        names = (b"nodes", b"totals", b"occupied")
        keys = (*map(self.key, names), self.own(b"p"), self.own(b"t"))
        values = self.name, b"%d" % lease, b"%d" % new, self.key(b"swept:", self.name), self.key(b"clock")
        return self._shard.run(RENEW, keys, values, None)

    def claim(self, name: Entry | str) -> Deferred[Any]:
        """Tell an entry, or a channel's count, under the name of now; what is not held any more makes no edge."""
        if isinstance(name, str):
            count = self._counts.get(name)
            return NO_EDGE if count is None else self.track(name, count)
        membership = self.entries.get(name)
        return NO_EDGE if membership is None else self.join(name, membership.info)

    def track_again(self, channel: str) -> Deferred[Any]:
        """Tell the count of now."""
        return self.track(channel, self._counts.get(channel, 0))

    def is_member(self, entry: Entry) -> Deferred[bool]:
        """Whether anybody holds this member."""
        return self._shard.ask(b"HEXISTS", self._presence(entry[0]), as_bytes(entry[1]), convert=bool)

    def is_counted(self, channel: str) -> Deferred[bool]:
        """Whether any node counts subscribers of this channel."""
        return self._shard.ask(b"HEXISTS", self.key(b"totals"), as_bytes(channel), convert=bool)

    def refresh(self) -> Deferred[Any]:
        """Presence keys live for a day; those of channels we are in are to live on."""
        now = time.monotonic()
        if now - self._refreshed < STATE_SECONDS / 24:
            return DONE
        self._refreshed = now
        channels = list({channel for channel, _, _ in self.entries})
        return in_parts(self._keep_alive, channels).addErrback(self._not_refreshed)

    def _keep_alive(self, channel: str) -> Deferred[Any]:
        return self._shard.ask(b"EXPIRE", self._presence(channel), b"%d" % STATE_SECONDS)

    def _not_refreshed(self, failure: Failure) -> None:
        self._refreshed = 0.0  # the next renewal tries again

    # Keys.

    def key(self, *parts: bytes) -> bytes:
        return self._prefix + b"".join(parts)

    def own(self, kind: bytes) -> bytes:
        return self.key(b"n:", self.name, b":", kind)

    def _keys(self, channel: str) -> tuple[bytes, bytes, bytes]:
        """For what changes the members of a channel."""
        presence = self._presence(channel)
        self._shard.changes(presence)
        return self.key(b"nodes"), presence, self.own(b"p")

    def _presence(self, channel: str) -> bytes:
        return self.key(b"p:", as_bytes(channel))

"""The members of one channel, as this node knows them, and what its clients have not been told yet.

What is told is the difference to what was told before, so a client that has the list can keep it: it is told of nobody
twice, and of nobody's leave that it has not been told of. What has left and come back meanwhile is not told.
"""

from collections.abc import Collection, Iterable, Iterator
from itertools import chain, islice
from typing import NamedTuple

from filtered_websocket.filters.presence.wire import CONNECTION, USER, told


class Here(NamedTuple):
    """The users that are here.

    :ivar users: by name, in the order in which they came
    :ivar anonymous: connections without a user
    """

    users: tuple[str, ...]
    anonymous: int


class Members:
    def __init__(self) -> None:
        # In the order in which they came. Users and connections apart: the list has users first, and is cut.
        self._here: dict[str, dict[str, None]] = {USER: {}, CONNECTION: {}}
        self._joined: dict[str, None] = {}
        self._left: dict[str, None] = {}

    def __len__(self) -> int:
        return sum(map(len, self._here.values()))

    def __contains__(self, member: str) -> bool:
        return member in self._here[member[0]]

    def __iter__(self) -> Iterator[str]:
        return chain(*self._here.values())

    def add(self, member: str) -> None:
        if member in self:
            return
        self._here[member[0]][member] = None
        if member in self._left:
            del self._left[member]
        else:
            self._joined[member] = None

    def remove(self, member: str) -> None:
        if member not in self:
            return
        del self._here[member[0]][member]
        if member in self._joined:
            del self._joined[member]
        else:
            self._left[member] = None

    def become(self, members: Collection[str]) -> None:
        """Be these, and no others."""
        for member in [each for each in self if each not in members]:
            self.remove(member)
        for member in members:
            self.add(member)

    @property
    def who(self) -> Here:
        return Here(tuple(each[1:] for each in self._here[USER]), len(self._here[CONNECTION]))

    @property
    def changed(self) -> bool:
        """Whether clients are to be told something."""
        return bool(self._joined or self._left)

    def here(self, limit: int, shows: str, anonymous: str) -> bytes:
        """The first message to a client; the parameters are the values of options."""
        if shows == "count":
            return self._told("count", None, False)
        with_ids = anonymous == "id"
        return self._told("here", islice(self if with_ids else self._here[USER], limit), with_ids)

    def changes(self, limit: int, shows: str, anonymous: str) -> list[bytes]:
        """What clients are told of what has changed since this was last called: leaves, and then joins."""
        joined, left, self._joined, self._left = self._joined, self._left, {}, {}
        if not joined and not left:
            return []
        if shows == "count":
            return [self._told("count", None, False)]
        messages, with_ids = [], anonymous == "id"
        users = len(self._here[USER]) - _users(joined) + _users(left)
        others = len(self) - len(joined) + len(left) - users
        for kind, members, sign in (("left", left, -1), ("joined", joined, 1)):
            # In order of their kind, for messages that name nobody are one.
            for part in _parts(sorted(members, key=lambda each: each[0] != USER), limit, with_ids):
                count = _users(part)
                users, others = users + sign * count, others + sign * (len(part) - count)
                messages.append(told(kind, part, users, others, with_ids))
        return messages

    def _told(self, kind: str, members: Iterable[str] | None, with_ids: bool) -> bytes:
        count = len(self._here[USER])
        return told(kind, members, count, len(self) - count, with_ids)


def _users(members: Iterable[str]) -> int:
    return sum(each[0] == USER for each in members)


def _parts(members: list[str], limit: int, with_ids: bool) -> Iterator[list[str]]:
    """So many names at a time. Those that are only counted need no further message."""
    named = len(members) if with_ids else _users(members)
    ends = [*range(limit, named, limit), len(members)] if members else []
    for begin, end in zip([0, *ends], ends, strict=False):
        yield members[begin:end]

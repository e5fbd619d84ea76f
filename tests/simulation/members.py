"""Who is in a channel, and what others are told of that: one join and one leave of each, and in the end the truth."""

from typing import Protocol


class Knows(Protocol):
    """The oracle."""

    def fault(self, text: str) -> None: ...
    def tick(self) -> int: ...
    def last_count(self, node: str) -> int: ...


class Members:
    """The members of one channel.

    :ivar present: those that are in it, and since which tick they may have been
    """

    def __init__(self, channel: str, oracle: Knows) -> None:
        self.channel, self._oracle = channel, oracle
        self.present: dict[str, int] = {}
        self.watchers: dict[str, Watcher] = {}
        self._doubts: list[tuple[str, int, str]] = []

    def came(self, member: str, asked: int | None = None) -> None:
        """It was answered that it is in.

        :param asked: the tick at which it wanted to; None: now
        """
        self.present[member] = self._oracle.tick() if asked is None else asked

    def went(self, member: str) -> None:
        """It has left, or its connection has ended, in whatever way."""
        self.present.pop(member, None)

    def watch(self, name: str, node: str, itself: bool = False) -> None:
        """Somebody hears of joins and leaves from now on; whoever had this name does not any more.

        :param itself: it is a member, and from its own join on it hears of all others
        """
        self.watchers[name] = Watcher(name, node, self._oracle.tick(), itself)

    def unwatch(self, name: str) -> None:
        """Somebody hears of joins and leaves no more."""
        self.watchers.pop(name, None)

    def told(self, name: str, member: str, joined: bool) -> None:
        """Somebody that watches was told of a join or a leave."""
        watcher = self.watchers.get(name)
        if watcher is None:
            self._oracle.fault(f"{name} was told of {member} in {self.channel}, and does not watch it")
            return
        before, last = watcher.seen.get(member), watcher.told.get(member, watcher.since)
        watcher.seen[member], watcher.told[member] = joined, self._oracle.tick()
        if before is joined:
            what = "join" if joined else "leave"
            self._doubts.append(
                (watcher.node, last, f"{name} was told of the {what} of {member} in {self.channel} twice")
            )
        if watcher.waits and member == name:
            watcher.since, watcher.waits = self._oracle.tick(), False

    def judge(self) -> None:
        """All losses have been counted that there were up to now: what was told twice had nothing lost in between?"""
        doubts, self._doubts = self._doubts, []
        for node, last, fault in doubts:
            if self._oracle.last_count(node) < last:
                self._oracle.fault(fault)

    def rest(self, listed: set[str] | None = None) -> None:
        """All that can be told was told, and leases of the dead have ended.

        :param listed: those that storage lists; None: nobody has asked
        """
        self.judge()
        if listed is not None:
            for member in sorted(listed - set(self.present)):
                self._oracle.fault(f"{member} is listed in {self.channel}, and is gone")
            for member in sorted(set(self.present) - listed):
                self._oracle.fault(f"{member} is in {self.channel}, and is not listed")
        for watcher in self.watchers.values():
            self._check(watcher)

    def _check(self, watcher: "Watcher") -> None:
        if self._oracle.last_count(watcher.node) > watcher.since:
            return  # its node has counted a loss meanwhile: of a join or a leave, for all that is known
        if watcher.waits:
            self._oracle.fault(f"{watcher.name} was not told that it is in {self.channel} itself")
            return
        for member, joined in watcher.seen.items():
            if joined and member not in self.present:
                self._oracle.fault(f"{watcher.name} was not told that {member} has left {self.channel}")
            elif not joined and member in self.present:
                self._oracle.fault(f"{watcher.name} was told that {member} has left {self.channel}, and it has not")
        for member, since in self.present.items():
            if since > watcher.since and member not in watcher.seen and member != watcher.name:
                self._oracle.fault(f"{watcher.name} was not told that {member} is in {self.channel}")


class Watcher:
    """Somebody that is told of joins and leaves.

    :ivar since: when it had begun to hear of all
    :ivar waits: it has yet to hear of itself
    :ivar seen: what it was told last of each
    :ivar told: when that was
    """

    def __init__(self, name: str, node: str, since: int, waits: bool) -> None:
        self.name, self.node, self.since, self.waits = name, node, since, waits
        self.seen: dict[str, bool] = {}
        self.told: dict[str, int] = {}

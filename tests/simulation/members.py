"""Who is in a channel, and what others are told of that: one join and one leave of each, and in the end the truth."""

from typing import Protocol


class Knows(Protocol):
    """The oracle."""

    def fault(self, text: str) -> None: ...
    def tick(self) -> int: ...
    def last_count(self, node: str) -> int: ...


class Members:
    """The members of one channel.

    :ivar present: those that are in it, and since which tick
    """

    def __init__(self, channel: str, oracle: Knows) -> None:
        self.channel, self._oracle = channel, oracle
        self.present: dict[str, int] = {}
        self.watchers: dict[str, Watcher] = {}

    def came(self, member: str) -> None:
        """It was answered that it is in."""
        self.present[member] = self._oracle.tick()

    def went(self, member: str) -> None:
        """It has left, or its connection has ended, in whatever way."""
        self.present.pop(member, None)

    def watch(self, name: str, node: str) -> "Watcher":
        """Somebody hears of joins and leaves from now on; whoever had this name does not any more."""
        watcher = self.watchers[name] = Watcher(name, node, self._oracle.tick())
        return watcher

    def unwatch(self, name: str) -> None:
        """Somebody hears of joins and leaves no more."""
        self.watchers.pop(name, None)

    def told(self, name: str, member: str, joined: bool) -> None:
        """Somebody that watches was told of a join or a leave."""
        watcher = self.watchers.get(name)
        if watcher is None:
            self._oracle.fault(f"{name} was told of {member} in {self.channel}, and does not watch it")
        elif watcher.seen.get(member) is joined:
            what = "join" if joined else "leave"
            self._oracle.fault(f"{name} was told of the {what} of {member} in {self.channel} twice")
        else:
            watcher.seen[member] = joined

    def rest(self, listed: set[str] | None = None) -> None:
        """All that can be told was told, and leases of the dead have ended.

        :param listed: those that storage lists; None: nobody has asked
        """
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

    :ivar seen: what it was told last of each
    """

    def __init__(self, name: str, node: str, since: int) -> None:
        self.name, self.node, self.since = name, node, since
        self.seen: dict[str, bool] = {}

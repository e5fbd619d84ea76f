"""Storage in memory that several nodes share, as they share a Redis: everything is there once."""

from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING, NamedTuple

from filtered_websocket.storage_objects.history import Histories
from filtered_websocket.storage_objects.records import Records
from tests.simulation.clock import NodeClock

if TYPE_CHECKING:
    from tests.simulation.view import View


class Held(NamedTuple):
    """A holder of a member, and the node that holds it."""

    info: str
    node: "View"


class SharedMemory:
    """What all nodes share.

    :param seconds: the time of the world
    :cvar nodes: how many there can be at a time
    :cvar one_order: what keeps history and what keeps none is delivered by one road
    """

    nodes, one_order = 3, True

    def __init__(self, seconds: Callable[[], float], seed: int = 0) -> None:
        self.seconds = seconds
        self.random = Random(f"storage {seed}")
        self.views: list[View] = []
        self.sets: dict[str, set[str]] = {}
        self.maps: dict[str, dict[str, str | bytes]] = {}
        self.records = Records()
        self.histories = Histories(lambda *_: None)
        self.presence: dict[str, dict[str, dict[str, Held]]] = {}
        self.counts: dict[str, dict[View, int]] = {}

    def storage(self, clock: NodeClock) -> "View":
        """That of one node more."""
        from tests.simulation.view import View

        view = View(self, clock)
        self.views.append(view)
        return view

    def forget(self, view: "View") -> None:
        """Its node is gone; what it held stays until its lease has ended."""
        view.gone = True

    def be_well(self) -> None:
        """What goes wrong here goes wrong on the way of one node."""

    def begin_anew(self) -> None:
        """All histories are lost."""
        self.histories = Histories(lambda *_: None)

    def end(self) -> None:
        """Nothing of it is anywhere else."""

    # The leases.

    def sweep(self, by: "View") -> None:
        """Let go what is held by nodes whose lease has ended; the node that sees it first tells."""
        for view in list(self.views):
            if view.lease_ends <= self.seconds():
                view.swept = True
                for channel, member, holder in self.held_by(view):
                    info = self.presence[channel][member][holder].info
                    if self.let_go(channel, member, holder):
                        by.tell("member_left", channel, member, info)
                for channel in [name for name, of in self.counts.items() if view in of]:
                    if self.track(view, channel, 0) < 0:
                        by.tell("vacated", channel)
                if view.gone:
                    self.views.remove(view)

    def held_by(self, view: "View") -> list[tuple[str, str, str]]:
        return [
            (channel, member, holder)
            for channel, members in self.presence.items()
            for member, holders in members.items()
            for holder, held in holders.items()
            if held.node is view
        ]

    def hold(self, channel: str, member: str, holder: str, held: Held) -> bool:
        """Whether it is the member's first holder."""
        holders = self.presence.setdefault(channel, {}).setdefault(member, {})
        first = not holders
        holders.pop(holder, None)
        holders[holder] = held
        return first

    def let_go(self, channel: str, member: str, holder: str) -> bool:
        """Whether it was the member's last holder."""
        holders = self.presence.get(channel, {}).get(member, {})
        if holders.pop(holder, None) is None or holders:
            return False
        del self.presence[channel][member]
        if not self.presence[channel]:
            del self.presence[channel]
        return True

    def track(self, view: "View", channel: str, count: int) -> int:
        of = self.counts.setdefault(channel, {})
        before = sum(of.values())
        of[view] = count
        if not count:
            del of[view]
        after = sum(of.values())
        if not of:
            del self.counts[channel]
        return int(after > 0) - int(before > 0)

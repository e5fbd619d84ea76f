"""Redis that the nodes of a simulation share: the real storage object of each, on the model of Redis."""

from collections.abc import Callable
from typing import Any

from filtered_websocket.messages.envelope import decode
from filtered_websocket.messages.publication import Position
from filtered_websocket.storage_objects.redis import StorageObject
from tests.simulation.channels import CHANNELS
from tests.simulation.redis_model.model import RedisModel
from tests.simulation.redis_model.way import Way

LEASE_SECONDS = 6.0
HISTORY = b"fws:h:"


class View(StorageObject):
    """What one node has of it: its storage object, and the way there."""

    way: Way

    @property
    def follows(self) -> list[str]:
        """The channels that it is subscribed to."""
        return [each.name for each in self._shards.first().subscriptions._all.values() if not each.is_bus]

    @property
    def holds(self) -> set[str]:
        """The members of clients that it holds."""
        return {member for channel, member, _ in self._shards.first().leases.held.entries if channel in CHANNELS}

    @property
    def lose_answers(self) -> int:
        return self.way.lose_answers

    @lose_answers.setter
    def lose_answers(self, count: int) -> None:
        self.way.lose_answers = count

    def tell_loss(self, call: Callable[[], object]) -> None:
        """Have it called when an answer is lost."""
        self.way.on_loss = call

    def go_away(self) -> None:
        """This node does not reach it any more."""
        self.way.go_away()

    def come_back(self) -> None:
        self.way.come_back()

    def cut(self) -> None:
        """What was on its way to this node is lost, and it connects anew."""
        self.way.cut()

    def cut_subscriber(self) -> None:
        """The same of what it hears alone."""
        self.way.cut(subscribers_only=True)

    def slow(self, seconds: float) -> None:
        """Answers, and what arrives, take so long."""
        self.way.slow(seconds)


class SharedRedis:
    """
    :param seconds: gives the world's time
    :cvar nodes: how many there can be at a time
    :cvar one_order: what keeps history and what keeps none is delivered by one road
    """

    nodes, one_order = 3, True

    def __init__(self, seconds: Callable[[], float], seed: int) -> None:
        self.model = RedisModel(seconds, seed)

    def storage(self, clock: Any) -> View:
        """That of a new node."""
        way = self.model.way(clock)
        view = self.model.storage(way, View, lease_seconds=LEASE_SECONDS, redis_heartbeat=1.0)
        view.way = way
        return view

    def be_well(self) -> None:
        """What has gone wrong for all is over."""
        self.model.thaw()

    def forget(self, view: View) -> None:
        """Its node is dead."""
        view.go_away()

    def end(self) -> None:
        """Nothing of it is anywhere else."""

    def begin_anew(self) -> None:
        """It is empty."""
        self.model.fail_over(None)

    def fail_over(self, lost: int) -> list[tuple[str, Position, int]]:
        """Another takes its place, without so many of the last writes.

        :returns: where the publications stood that history has lost by that, and the offset at which it ends now
        """
        before = self._kept()
        self.model.fail_over(lost)
        after = self._kept()
        return [(*each, self._top(each[0])) for each in before if each not in after]

    def _top(self, channel: str) -> int:
        meta = self.model.redis.data.values.get(b"fws:e:" + channel.encode(), {})
        return int(meta.get(b"o", 0))

    def _kept(self) -> dict[tuple[str, Position], None]:
        found: dict[tuple[str, Position], None] = {}
        for key, items in self.model.redis.data.values.items():
            if key.startswith(HISTORY):
                channel = key.removeprefix(HISTORY).decode()
                for item in items:
                    position = decode(channel, item.partition(b" ")[2]).position
                    assert position is not None
                    found[channel, position] = None
        return found

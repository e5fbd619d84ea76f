"""One master, or what may be one: the two connections to it, for all partitions that are at home there."""

from collections.abc import Callable
from typing import Protocol

from filtered_websocket.errors import ConfigError
from filtered_websocket.storage_objects.redis.address import Address
from filtered_websocket.storage_objects.redis.cluster.connection import Asker, NodeConnection, NodeEars
from filtered_websocket.storage_objects.redis.cluster.partitions import SLOTS_OF, TAGS
from filtered_websocket.storage_objects.redis.cluster.redirects import Place
from filtered_websocket.storage_objects.redis.pair import Pair
from filtered_websocket.storage_objects.redis.subscriptions import Subscriptions

MOST_ROUTES = 10_000
"""Channels of which it is remembered whose they are: that is asked for with everything that comes."""


class Resident(Asker, Protocol):
    """What is at home at a node: `partition.Partition`."""

    subscriptions: Subscriptions

    def left(self, channel: bytes) -> None:
        """Redis does not send this channel any more."""

    def lost(self) -> None:
        """It has no home any more."""

    def go_on(self) -> None:
        """Ask again, if it waits to."""


class Node(Pair[NodeConnection, NodeEars]):
    """
    :param place: where it is
    :param address: the same, with what it takes to get in
    :param prefix: of all keys of all partitions
    :param patience: seconds to connect in, and again to greet in
    :param up: called when both connections can be used
    :param down: called when one is lost
    :param impossible: called when it can never be used; whether that ends the attempts
    """

    def __init__(
        self,
        place: Place,
        address: Address,
        prefix: bytes,
        patience: float,
        *,
        up: "Callable[[Node], None]",
        down: "Callable[[Node], None]",
        impossible: Callable[[ConfigError], bool],
    ) -> None:
        super().__init__(
            address,
            (NodeConnection, NodeEars),
            prefix,
            patience,
            up=self._up,
            down=lambda: down(self),
            impossible=impossible,
        )
        self.place = place
        self._residents: dict[bytes, Resident] = {}
        self._opening = prefix + b"{"
        self._on_up = up

    @property
    def commands(self) -> NodeConnection | None:
        return self.asking.connection

    @property
    def ears(self) -> NodeEars | None:
        return self.hearing.connection

    @property
    def is_home(self) -> bool:
        """Whether a partition is at home here."""
        return bool(self._residents)

    def admit(self, tag: bytes, resident: Resident) -> None:
        """A partition is at home here from now on."""
        self._residents[tag] = resident
        self._forget_routes()

    def dismiss(self, tag: bytes) -> None:
        """What comes for this one is for nobody any more."""
        self._residents.pop(tag, None)
        self._forget_routes()

    def does(self, tag: bytes) -> None:
        """It has done what one partition asked, so others may ask again what was refused to them."""
        for other, resident in list(self._residents.items()):
            if other != tag:
                resident.go_on()

    def _forget_routes(self) -> None:
        if self.ears is not None:
            self.ears.routes.clear()

    def _up(self) -> None:
        commands, ears = self.commands, self.ears
        if commands is not None:
            commands.asker_of = self._asker_of
        if ears is not None:
            ears.arrived, ears.arrived_by_pattern = self._arrived, self._arrived_by_pattern
            ears.left, ears.unheard = self._left, self._unheard
        if commands is not None and ears is not None:
            ears.sharded = commands.sharded
            self._on_up(self)

    def _resident(self, channel: bytes) -> Resident | None:
        """That of a channel; what is none of ours is on the bus, which is heard at the first partition's home."""
        if channel.startswith(self._opening):
            start = len(self._opening)
            return self._residents.get(channel[start : channel.find(b"}", start)])
        return self._residents.get(TAGS[0])

    def _asker_of(self, key: bytes) -> Resident | None:
        """The partition of a key, None for what is not ours."""
        return self._resident(key) if key.startswith(self._opening) else None

    def _arrived(self, channel: bytes, data: bytes) -> None:
        resident = self._resident(channel)
        ears = self.ears
        if resident is not None and ears is not None:
            if len(ears.routes) >= MOST_ROUTES:
                ears.routes.clear()
            ears.routes[channel] = resident.subscriptions.arrived
            resident.subscriptions.arrived(channel, data)

    def _arrived_by_pattern(self, pattern: bytes, channel: bytes, data: bytes) -> None:
        resident = self._residents.get(TAGS[0])
        if resident is not None:
            resident.subscriptions.prefixes.arrived(pattern, channel, data)

    def _left(self, channel: bytes) -> None:
        resident = self._resident(channel)
        if resident is not None:
            resident.left(channel)

    def _unheard(self, slot: int) -> None:
        for partition, tag in zip(SLOTS_OF, TAGS, strict=True):
            if partition == slot and tag in self._residents:
                self._residents[tag].lost()

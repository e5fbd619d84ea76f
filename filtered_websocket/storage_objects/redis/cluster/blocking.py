"""The masters of a Redis Cluster for programs without a reactor: a connection to each.

What was surely not done, since its slot is elsewhere, or nobody's at the moment, is asked again until the timeout. A
question that is asked just before may take as long again to be answered.
"""

import math
import time
from collections.abc import Callable, Iterable
from typing import TypeVar

from filtered_websocket.errors import StorageAway
from filtered_websocket.storage_objects.redis.address import Address
from filtered_websocket.storage_objects.redis.blocking import BlockingConnection
from filtered_websocket.storage_objects.redis.cluster.redirects import Kind, Place, redirect_of
from filtered_websocket.storage_objects.redis.cluster.topology import NO_CLUSTER, Topology
from filtered_websocket.storage_objects.redis.refusals import NotDone, Refused

PAUSE_SECONDS = 0.05
MAP_SHARE = 4
"""A server that is asked for a map has this part of the timeout: others know the map too."""
T = TypeVar("T")


class Masters:
    """
    :param seeds: servers that may be asked where the masters are; the first says how all are reached
    :param timeout: seconds for each answer, and for what is asked again
    """

    def __init__(self, seeds: list[Address], timeout: float) -> None:
        self._pattern, self._timeout = seeds[0], timeout
        self._seeds = [Place(seed.host, seed.port) for seed in seeds]
        self._topology: Topology | None = None
        self._named: list[Place] = []
        self._silent: set[Place] = set()  # that have not told the map: they are asked last
        self._connections: dict[Place, BlockingConnection] = {}

    def at(self, slot: int, question: Callable[[BlockingConnection], T]) -> T:
        """Ask the master of a slot.

        :param question: may be called several times, as long as nothing of it was done
        :raises NotDone: it could not be done before the timeout, or was refused
        :raises StorageAway: it is unknown whether it was done
        """
        end = time.monotonic() + self._timeout
        moved = False
        while True:
            place = None
            try:
                place = self.home(slot, end)
                return question(self._connection(place))
            except NotDone as error:
                reason = error
                redirect = redirect_of(error.said) if isinstance(error, Refused) else None
                if isinstance(error, Refused) and redirect is None:
                    raise
                self._doubt(place)
                if redirect is not None and redirect.kind is Kind.MOVED and redirect.place is not None and place:
                    # The one that it names knows it best. It is no master here any more, or anew later.
                    self._connections[place].close()
                    self._named.insert(0, Place(redirect.place.host or place.host, redirect.place.port))
                    if not moved:
                        moved = True
                        continue
            except StorageAway:
                self._doubt(place)
                raise
            if time.monotonic() > end:
                raise NotDone(f"{str(reason).removesuffix(': not done')}, for {self._timeout:g} s: not done")
            time.sleep(PAUSE_SECONDS)

    def home(self, slot: int, end: float = math.inf) -> Place:
        """Where the master of a slot is.

        :param end: by `time.monotonic`; nobody else is asked after it
        :raises NotDone: nobody knows
        """
        if self._topology is None:
            self._topology = self._ask_topology(end)
        place = self._topology.home(slot)
        if place is None:
            self._topology = None
            raise NotDone(f"the Redis Cluster of {self._pattern.name} has no master for slot {slot}: not done")
        return place

    def address_of(self, slot: int) -> Address:
        """The address of the master of a slot. Raises as `home` does."""
        return self._address(self.home(slot))

    def close(self) -> None:
        """Close all connections; the next question opens what it needs."""
        for connection in self._connections.values():
            connection.close()

    def forget(self) -> None:
        """Ask anew where the masters are, before the next question."""
        self._topology = None

    def _doubt(self, place: Place | None) -> None:
        """Something is not as it was: what the others say comes first."""
        known = self._topology.masters if self._topology is not None else set()
        self._topology = None
        self._named = [*(one for one in known if one != place), *([place] if place is not None else [])]

    def _ask_topology(self, end: float) -> Topology:
        reason: StorageAway | None = None
        places = dict.fromkeys((*self._named, *self._seeds))
        self._silent.intersection_update(places)
        for place in sorted(places, key=self._silent.__contains__):
            if reason is not None and time.monotonic() > end:
                break
            try:
                topology = self._topology_of(place)
            except StorageAway as error:
                reason = error
                self._silent.add(place)
                continue
            self._silent.discard(place)
            if topology.masters:
                self._close_others((place, *topology.masters))
                return topology
        if reason is None:
            reason = StorageAway(f"the Redis Cluster of {self._pattern.name} has no masters")
        raise NotDone(f"{str(reason).partition(': it is unknown')[0].removesuffix(': not done')}: not done")

    def _topology_of(self, place: Place) -> Topology:
        address = self._address(place)._replace(connect_timeout=None, timeout=None)
        connection = BlockingConnection(address, self._timeout / MAP_SHARE)
        try:
            return Topology.read(connection.ask(b"CLUSTER", b"SLOTS"), place)
        except Refused as refused:
            if NO_CLUSTER in refused.said:
                return Topology.single(place)  # a proxy, or a single server
            raise
        finally:
            connection.close()

    def _close_others(self, places: Iterable[Place]) -> None:
        kept = set(places)
        for place in [one for one in self._connections if one not in kept]:
            self._connections.pop(place).close()

    def _connection(self, place: Place) -> BlockingConnection:
        connection = self._connections.get(place)
        if connection is None:
            connection = self._connections[place] = BlockingConnection(self._address(place), self._timeout)
        return connection

    def _address(self, place: Place) -> Address:
        return self._pattern._replace(name=str(place), host=place.host, port=place.port)

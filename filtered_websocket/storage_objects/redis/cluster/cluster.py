"""The cluster of one storage object: its nodes, the map that says which has which partition, and whether all are heard.

The map is asked of any node that answers: at once when a partition loses its home, again and again while one has none,
and otherwise every now and then. The seeds are nodes like others; those that no partition is at home at are let go.
"""

import time
from functools import partial
from typing import Any

import txredisapi
from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.logger import Logger
from twisted.python.failure import Failure

from filtered_websocket.errors import ConfigError, StorageAway
from filtered_websocket.storage_objects.base import Consumer
from filtered_websocket.storage_objects.redis.address import Address
from filtered_websocket.storage_objects.redis.cluster.foreign_reads import ForeignReads
from filtered_websocket.storage_objects.redis.cluster.node import Node
from filtered_websocket.storage_objects.redis.cluster.partition import Partition
from filtered_websocket.storage_objects.redis.cluster.partitions import PARTITIONS, partition_of
from filtered_websocket.storage_objects.redis.cluster.redirects import Place
from filtered_websocket.storage_objects.redis.cluster.room import Room
from filtered_websocket.storage_objects.redis.cluster.topology import CLUSTER_SLOTS, NO_CLUSTER, Topology
from filtered_websocket.storage_objects.redis.shard import BEATS, Shard
from filtered_websocket.storage_objects.redis.shards import Shards
from filtered_websocket.storage_objects.values import as_bytes

log = Logger()
_clock: Any = reactor

AT_ONCE, AGAIN, OTHERWISE = 0.02, 0.2, 30.0
"""Seconds between two questions for a map: at least, while a partition has no home, and while all have one."""

MOST_FOUND = 10_000
"""Names of which the partition is remembered: that is asked for with every publication."""


class Cluster(Shards):
    """
    :ivar asked: how many maps have been asked for
    :ivar topology: the newest map
    """

    def __init__(self, addresses: list[Address], prefix: bytes, epoch: bytes, options: Any) -> None:
        super().__init__(addresses, prefix, epoch, options)
        self._heartbeat: float = options.redis_heartbeat
        self._nodes: dict[Place, Node] = {}
        self._partitions: list[Partition] = []
        self._found: dict[str, Shard] = {}
        self.asked = self._answered = 0
        self.topology = Topology([])
        self._witnesses: set[Place] = set()  # masters of it that have known no other cluster since
        self._looked = self._mapped = self._ticked = 0.0
        self._hint: Place | None = None
        self._look_timer: Any = None
        self._tick_timer: Any = None
        self._stopped = False
        self._told: set[str] = set()
        self._reads = ForeignReads(self._nodes, self)

    def stop(self) -> Deferred[None]:
        return super().stop().addCallback(self._let_all_go)

    def of(self, name: str) -> Shard:
        found = self._found.get(name)
        if found is None:
            found = self.all()[partition_of(as_bytes(name))]
            if len(self._found) >= MOST_FOUND:  # of names that clients invent
                self._found.clear()
            self._found[name] = found
        return found

    def read(self, key: bytes) -> Deferred[Any]:
        self.all()
        return self._reads.read(key, time.monotonic() + BEATS * self._heartbeat)

    def _bus(self) -> list[Shard]:
        # Where several nodes listened, there would be no one order.
        return self.all()[:1]

    def _make(self, consumer: Consumer) -> list[Shard]:
        told: dict[str, Any] = {"changed": self._changed, "maps": self, "room": Room()}
        given = self._prefix, self._epoch, self._options, consumer
        self._partitions = [Partition(number, *given, **told) for number in range(PARTITIONS)]
        return [*self._partitions]

    def _begin(self) -> None:
        super()._begin()
        self._ask_seeds()
        self._tick()

    # Nodes.

    def node_at(self, place: Place, address: Address | None = None) -> Node:
        """The node at a place, which is connected to if it was not."""
        node = self._nodes.get(place)
        if node is None:
            if address is None:
                address = self._addresses[0]._replace(name=str(place), host=place.host, port=place.port)
            patience = max(BEATS * self._heartbeat, 0.5)
            told: dict[str, Any] = {"up": self._up, "down": self._down, "impossible": self.impossible}
            node = self._nodes[place] = Node(place, address, self._prefix, patience, **told)
            node.start()
        return node

    def _ask_seeds(self) -> None:
        """Where all that was known of is gone, their names may lead to what has come in its place."""
        for address in self._addresses:
            self.node_at(Place(address.host, address.port), address)

    def impossible(self, error: ConfigError) -> bool:
        return self._never(error)

    def _up(self, node: Node) -> None:
        self._hint = self._hint or node.place
        for partition in self._partitions:
            partition.try_to_enter()
        if any(partition.command is None for partition in self._partitions):
            self.look(node.place)
        self._reads.go_on()

    def _down(self, node: Node) -> None:
        for partition in self._partitions:
            if partition.is_at(node):
                partition.lost()

    def _let_all_go(self, _: object) -> Deferred[None]:
        self._stopped = True
        for timer in (self._look_timer, self._tick_timer):
            if timer is not None and timer.active():
                timer.cancel()
        self._reads.stop()
        nodes = list(self._nodes.values())
        self._nodes.clear()
        return gatherResults([node.stop() for node in nodes]).addCallback(lambda _: None)

    # The map.

    def look(self, place: Place | None = None) -> None:
        """Ask for a new map soon, and of this node first."""
        if self._stopped:
            return
        if place is not None and place.host:
            self.node_at(place)
            self._hint = place
        soon = max(self._looked + AT_ONCE - time.monotonic(), 0)
        if self._look_timer is None:
            self._look_timer = _clock.callLater(soon, self._look)
        elif self._look_timer.getTime() > _clock.seconds() + soon:
            self._look_timer.reset(soon)

    def _look(self) -> None:
        self._look_timer = None
        self._looked = time.monotonic()
        answering = [node for node in self._nodes.values() if node.commands is not None]
        hinted = [node for node in answering if node.place == self._hint]
        self._hint = None
        if answering:
            node = hinted[0] if hinted else answering[self.asked % len(answering)]  # each in its turn
            assert node.commands is not None
            self.asked += 1
            asked = node.commands.ask_once(CLUSTER_SLOTS)
            asked.addCallbacks(partial(self._read_map, node, self.asked), partial(self._no_map, node, self.asked))
        else:
            self._ask_seeds()
        if any(partition.command is None for partition in self._partitions):
            self._look_timer = _clock.callLater(AGAIN, self._look)

    def _read_map(self, node: Node, asked: int, reply: list[Any]) -> None:
        topology = Topology.read(reply, node.place)
        is_of_another = topology.is_of_another(self.topology)
        if is_of_another or not topology.masters:
            self._witnesses.discard(node.place)
        if is_of_another and any(self._nodes[at].is_up for at in self._witnesses & self._nodes.keys()):
            # A server that has left a cluster may serve in the next: nobody here hears what is published there.
            node.tell("it is one of another Redis Cluster")
        else:
            self._take_map(topology, asked)

    def _no_map(self, node: Node, asked: int, failure: Failure) -> None:
        if failure.check(StorageAway):
            return
        reason = failure.getErrorMessage()
        if not failure.check(txredisapi.ResponseError) or NO_CLUSTER not in reason:
            node.tell(reason)
            return
        if len(self._addresses) > 1:
            what = "leave redis_cluster out, to spread channels over them, or name the nodes of one cluster"
            self.impossible(ConfigError(f"Redis at {node.name} is no cluster, and redis_shards names several: {what}"))
            return
        if NO_CLUSTER not in self._told:
            self._told.add(NO_CLUSTER)
            log.warn(
                "Redis at {name} is no cluster, and is used like one with a single node: for one Redis, leave"
                " redis_cluster out",
                name=node.name,
            )
        self._take_map(Topology.single(node.place), asked)

    def _take_map(self, topology: Topology, asked: int) -> None:
        if self._stopped or asked < self._answered or not topology.masters:
            return
        self._answered, self._mapped = asked, time.monotonic()
        self.topology, self._witnesses = topology, topology.masters
        for partition in self._partitions:
            home = topology.home(partition.slot)
            partition.go(None if home is None else self.node_at(home), asked)
        self._reads.go_on()
        if all(partition.command is not None for partition in self._partitions):
            self._let_go()

    def _let_go(self) -> None:
        """Of nodes that no partition is at home at."""
        for place, node in list(self._nodes.items()):
            if not node.is_home and place not in self.topology.masters:
                del self._nodes[place]
                node.stop()

    # Being heard.

    def unheard(self, slot: int, why: str) -> None:
        """A partition is not heard any more."""
        if self._stopped:
            return
        self._ask_seeds()
        if why not in self._told:
            self._told.add(why)
            log.error("Redis Cluster: slot {slot} is not heard: {why}. It is tried until it is.", slot=slot, why=why)

    def _changed(self) -> None:
        super()._changed()
        if self.ready and self._told - {NO_CLUSTER}:
            self._told &= {NO_CLUSTER}
            log.info("Redis Cluster: all slots are heard")

    def _tick(self) -> None:
        now = time.monotonic()
        stood_still = now - self._ticked > 2 * self._heartbeat
        self._ticked = now
        self._tick_timer = _clock.callLater(self._heartbeat, self._tick)
        for node in list(self._nodes.values()):
            node.look_home()
        for partition in self._partitions:
            partition.tick(now, stood_still)
        self._reads.tick(now)
        if now - self._mapped > OTHERWISE:
            self.look()

"""Listening on channels of a Redis Cluster without a reactor."""

import queue
import threading
from collections import defaultdict
from collections.abc import Iterator

from filtered_websocket.errors import StorageAway
from filtered_websocket.storage_objects.redis.address import Address
from filtered_websocket.storage_objects.redis.blocking import BlockingConnection
from filtered_websocket.storage_objects.redis.cluster.blocking import Masters
from filtered_websocket.storage_objects.redis.cluster.partitions import SLOTS_OF
from filtered_websocket.storage_objects.redis.cluster.slots import slot_of

MOST = 10_000
"""So much may wait to be looked at; what comes then waits at Redis, as on one connection."""


class ClusterEars:
    """
    :param seeds: servers of the cluster
    :param prefix: of all keys, with its colon: what begins with it is heard where it is at home, all else everywhere
    :param timeout: seconds to connect in
    """

    def __init__(self, seeds: list[Address], prefix: bytes, timeout: float) -> None:
        self._seeds, self._own, self._timeout = seeds, prefix + b"{", timeout
        self._connections: list[BlockingConnection] = []

    def listen(self, *channels: bytes) -> Iterator[tuple[bytes, bytes]]:
        """As `BlockingConnection.listen`, until one of them is lost, or at home elsewhere."""
        masters = Masters(self._seeds, self._timeout)
        named: dict[tuple[int, bytes], list[bytes]] = defaultdict(list)
        try:
            for channel in channels:
                slot, is_own = (slot_of(channel), True) if channel.startswith(self._own) else (SLOTS_OF[0], False)
                is_sharded = is_own and masters.at(slot, lambda connection: connection.knows(b"SPUBLISH"))
                named[slot, b"SSUBSCRIBE" if is_sharded else b"SUBSCRIBE"].append(channel)
            places = [(masters.address_of(slot), verb, names) for (slot, verb), names in named.items()]
        finally:
            masters.close()
        heard: queue.Queue[tuple[bytes, bytes] | StorageAway] = queue.Queue(MOST)
        for address, verb, names in places:
            connection = BlockingConnection(address, self._timeout)
            self._connections.append(connection)
            threading.Thread(target=_hear, args=(connection, verb, names, heard), daemon=True).start()
        try:
            while not isinstance(item := heard.get(), StorageAway):
                yield item
            raise item
        finally:
            self.close()
            while not heard.empty():  # so that nobody waits for room in it
                heard.get()

    def close(self) -> None:
        """End what listens, in whichever thread."""
        connections, self._connections = self._connections, []
        for connection in connections:
            connection.interrupt()


def _hear(
    connection: BlockingConnection,
    verb: bytes,
    names: list[bytes],
    heard: "queue.Queue[tuple[bytes, bytes] | StorageAway]",
) -> None:
    try:
        for item in connection.listen(*names, verb=verb):
            heard.put(item)
    except StorageAway as error:
        heard.put(error)

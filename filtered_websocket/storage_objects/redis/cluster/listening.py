"""Listening on channels of a Redis Cluster without a reactor."""

from collections import defaultdict
from collections.abc import Iterator

from filtered_websocket.storage_objects.redis.address import Address
from filtered_websocket.storage_objects.redis.cluster.blocking import Masters
from filtered_websocket.storage_objects.redis.cluster.partitions import SLOTS_OF
from filtered_websocket.storage_objects.redis.cluster.slots import slot_of
from filtered_websocket.storage_objects.redis.listening import Ears, Place


class ClusterEars:
    """
    :param seeds: servers of the cluster
    :param prefix: of all keys, with its colon: what begins with it is heard where it is at home, all else everywhere
    :param timeout: seconds to connect in
    """

    def __init__(self, seeds: list[Address], prefix: bytes, timeout: float) -> None:
        self._seeds, self._own, self._timeout = seeds, prefix + b"{", timeout
        self._ears = Ears(timeout)

    def listen(self, *channels: bytes) -> Iterator[tuple[bytes, bytes]]:
        """As `BlockingConnection.listen`, until one of them is lost, or at home elsewhere."""
        masters = Masters(self._seeds, self._timeout)
        named: dict[tuple[int, bytes], list[bytes]] = defaultdict(list)
        try:
            for channel in channels:
                slot, is_own = (slot_of(channel), True) if channel.startswith(self._own) else (SLOTS_OF[0], False)
                is_sharded = is_own and masters.at(slot, lambda connection: connection.knows(b"SPUBLISH"))
                named[slot, b"SSUBSCRIBE" if is_sharded else b"SUBSCRIBE"].append(channel)
            places = [Place(masters.address_of(slot), verb, names) for (slot, verb), names in named.items()]
        finally:
            masters.close()
        return self._ears.listen(places)

    def close(self) -> None:
        """End what listens, in whichever thread."""
        self._ears.close()

"""Listening to several Redis servers together, without a reactor."""

import queue
import threading
from collections.abc import Iterator
from typing import NamedTuple

from filtered_websocket.errors import StorageAway
from filtered_websocket.storage_objects.redis.address import Address
from filtered_websocket.storage_objects.redis.blocking import BlockingConnection

MOST = 10_000
"""So much may wait to be looked at; what comes then waits at Redis, as on one connection."""


class Place(NamedTuple):
    """
    :ivar verb: ``SUBSCRIBE``, ``SSUBSCRIBE`` or ``PSUBSCRIBE``
    :ivar names: of channels; with ``PSUBSCRIBE`` patterns
    """

    address: Address
    verb: bytes
    names: list[bytes]


class Ears:
    """
    :param timeout: seconds to connect in
    """

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._connections: list[BlockingConnection] = []

    def listen(self, places: list[Place]) -> Iterator[tuple[bytes, bytes]]:
        """As `BlockingConnection.listen`, until one of them is lost."""
        heard: queue.Queue[tuple[bytes, bytes] | StorageAway] = queue.Queue(MOST)
        for place in places:
            connection = BlockingConnection(place.address, self._timeout)
            self._connections.append(connection)
            threading.Thread(target=_hear, args=(connection, place, heard), daemon=True).start()
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
    connection: BlockingConnection, place: Place, heard: "queue.Queue[tuple[bytes, bytes] | StorageAway]"
) -> None:
    try:
        for item in connection.listen(*place.names, verb=place.verb):
            heard.put(item)
    except StorageAway as error:
        heard.put(error)

"""A storage object in memory that several servers in memory share, as nodes share a Redis."""

from collections import Counter
from typing import Any

from twisted.internet.defer import Deferred

from filtered_websocket.chain.deferreds import DONE
from filtered_websocket.storage_objects.base import Consumer
from filtered_websocket.storage_objects.memory import StorageObject


class SharedMemory(StorageObject):
    """Each server that starts with it hears what all of them publish."""

    shared = True
    private_bus = False

    def __init__(self) -> None:
        super().__init__()
        self.consumers: list[Consumer] = []
        self._nodes_in: Counter[str] = Counter()

    def start(self, consumer: Consumer) -> Deferred[None]:
        self.consumers.append(consumer)
        return super().start(self)  # type: ignore[arg-type]

    def stop(self) -> Deferred[None]:
        # It serves the other nodes still.
        return DONE

    def subscribe(self, channel: str) -> Deferred[None]:
        self._nodes_in[channel] += 1
        return super().subscribe(channel)

    def unsubscribe(self, channel: str) -> Deferred[None]:
        self._nodes_in[channel] -= 1
        return DONE if self._nodes_in[channel] else super().unsubscribe(channel)

    def consume(self, publication: Any) -> None:
        for each in self.consumers:
            each.consume(publication)

    def consume_bus(self, item: Any) -> None:
        for each in self.consumers:
            each.consume_bus(item)

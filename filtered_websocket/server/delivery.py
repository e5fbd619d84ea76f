"""What the storage object and other threads tell a server, and the pipeline that each of it belongs to.

The channels of a named pipeline have in storage a prefix that names it; those of the unnamed one have none.
"""

import queue
from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IReactorFromThreads
from twisted.logger import Logger

from filtered_websocket.messages.publication import Position, Publication
from filtered_websocket.monitoring.counters import Counters
from filtered_websocket.pipeline.pipeline import Pipeline
from filtered_websocket.server.cluster import MEMBERS, OWN, Cluster

_log = Logger()


class BusQueue(queue.Queue[Any]):
    """`queue`: what any thread puts into it reaches the consumer chains, in the reactor's thread.

    :param consume: takes one item
    """

    def __init__(self, reactor: IReactorFromThreads, consume: Callable[[Any], object]) -> None:
        super().__init__()
        self._reactor, self._consume = reactor, consume

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        super().put(item, block, timeout)
        self._reactor.callFromThread(self._drain)

    def _drain(self) -> None:
        while True:
            try:
                item = self.get_nowait()
            except queue.Empty:
                return
            self._consume(item)


class Delivery:
    """The consumer that the storage object is started with (`storage_objects.base.Consumer`).

    :ivar foreign: what the names of channels begin with in storage that are those of named pipelines
    :ivar consume: takes a publication; without named pipelines, no call lies between the storage object and the
        pipeline
    """

    pipelines: list[Pipeline]
    unnamed: Pipeline | None
    counters: Counters
    foreign: tuple[str, ...]
    consume: Callable[[Publication], object]
    cluster: Cluster

    def address(self) -> None:
        """Derive from the pipelines whose each name is."""
        self._named = {pipeline.name: pipeline for pipeline in self.pipelines if pipeline.prefix}
        self.foreign = tuple(pipeline.prefix for pipeline in self._named.values())
        self.consume = self._consume
        if self.unnamed is not None and not self._named:
            self.consume = self.unnamed.consume

    def _owner(self, channel: str) -> tuple[Pipeline | None, str]:
        """The pipeline of a channel's name in storage, and the name it has there."""
        name, space, rest = channel.partition(" ")  # a prefix is the name, which holds no space, with one behind it
        pipeline = self._named.get(name) if space else None
        return (self.unnamed, channel) if pipeline is None else (pipeline, rest)

    def _consume(self, publication: Publication) -> None:
        if not publication.channel.startswith(self.foreign):
            if self.unnamed is not None:
                self.unnamed.consume(publication)
            return
        pipeline, name = self._owner(publication.channel)
        assert pipeline is not None
        # A new one: the storage object may keep this one as history.
        pipeline.consume(
            Publication(name, publication.messages, publication.exclude, publication.position, publication.besides)
        )

    def consume_bus(self, item: Any) -> None:
        if isinstance(item, dict) and isinstance(name := item.get("channel"), bytes) and name.startswith(OWN):
            if name in self.cluster.channels:
                self.cluster.consume(item["data"])
            return
        for pipeline in self.pipelines:
            pipeline.consume(item)

    def member_left(self, channel: str, member: str, info: str) -> None:
        if channel == MEMBERS:
            return
        pipeline, name = self._owner(channel)
        for tell in pipeline.member_left if pipeline is not None else ():
            tell(name, member, info)

    def member_returned(self, channel: str, member: str, info: str) -> None:
        if channel == MEMBERS:
            return
        pipeline, name = self._owner(channel)
        for tell in pipeline.member_returned if pipeline is not None else ():
            tell(name, member, info)

    def vacated(self, channel: str) -> None:
        pipeline, name = self._owner(channel)
        for tell in pipeline.vacated if pipeline is not None else ():
            tell(name)

    def gap(self, channel: str, position: Position | None) -> None:
        self.counters.count("dropped", "lost while the storage object was away", channel)
        pipeline, name = self._owner(channel)
        if pipeline is not None:
            pipeline.recoveries.gap(name, position)

    def bus_gap(self) -> None:
        for pipeline in self.pipelines:
            for tell in tuple(pipeline.bus_gaps):
                tell()

    def phantom(self, channel: str) -> None:
        self.counters.count("dropped", "came from a Redis that was replaced", channel)

    def history_dropped(self, limit: str, count: int, channel: str) -> None:
        self.counters.count("dropped", f"kept publications over {limit}", channel, count)

    def ready_changed(self, ready: bool) -> None:
        (_log.info if ready else _log.error)("the storage object is {state}", state="ready" if ready else "away")
        if ready:
            self.cluster.start()
        for pipeline in self.pipelines:
            for tell in tuple(pipeline.ready_changed):
                tell(ready)

"""The backends under test, each as nodes that a test can start; and the consumer that writes down what it is told."""

import threading
import time
from importlib import import_module
from itertools import count
from types import SimpleNamespace
from typing import Any

from filtered_websocket.errors import ConfigError
from filtered_websocket.limits.history_pool import Pool
from filtered_websocket.messages.publication import Position, Publication
from filtered_websocket.storage_objects.base import StorageAway
from filtered_websocket.storage_objects.redis.cluster.partitions import POOL_SHARE, partition_of
from tests.support.reactor_thread import DEADLINE, call


class Recorder:
    """A consumer that keeps what it is told. ``wait(n)`` until it has n publications.

    :ivar came_at: when each of them came
    """

    def __init__(self) -> None:
        self.publications: list[Publication] = []
        self.came_at: list[float] = []
        self.bus: list[dict[str, Any]] = []
        self.left: list[tuple[str, str, str]] = []
        self.returned: list[tuple[str, str, str]] = []
        self.empty: list[str] = []
        self.gaps: list[str] = []
        self.bus_gaps: list[None] = []
        self.stands: list[Position | None] = []
        self.phantoms: list[str] = []
        self.dropped: list[tuple[str, int, str]] = []
        self.readiness: list[bool] = []
        self._changed = threading.Condition()

    def consume(self, publication: Publication) -> None:
        self.came_at.append(time.monotonic())
        self._note(self.publications, publication)

    def consume_bus(self, item: dict[str, Any]) -> None:
        self._note(self.bus, item)

    def member_left(self, channel: str, member: str, info: str) -> None:
        self._note(self.left, (channel, member, info))

    def member_returned(self, channel: str, member: str, info: str) -> None:
        self._note(self.returned, (channel, member, info))

    def vacated(self, channel: str) -> None:
        self._note(self.empty, channel)

    def gap(self, channel: str, position: Position | None) -> None:
        self.stands.append(position)
        self._note(self.gaps, channel)

    def bus_gap(self) -> None:
        self._note(self.bus_gaps, None)

    def phantom(self, channel: str) -> None:
        self._note(self.phantoms, channel)

    def history_dropped(self, limit: str, count: int, channel: str) -> None:
        self._note(self.dropped, (limit, count, channel))

    def ready_changed(self, ready: bool) -> None:
        self._note(self.readiness, ready)

    @property
    def payloads(self) -> list[bytes]:
        return [publication.payload for publication in self.publications]

    def wait_for(self, predicate: Any, deadline: float = DEADLINE) -> None:
        """Until something it is told makes the predicate true."""
        with self._changed:
            assert self._changed.wait_for(predicate, deadline), f"not within {deadline} s; so far: {vars(self)}"

    def wait(self, count: int) -> list[bytes]:
        """The payloads, once there are as many publications as that."""
        self.wait_for(lambda: len(self.publications) >= count)
        return self.payloads

    def _note(self, notes: list[Any], item: Any) -> None:
        with self._changed:
            notes.append(item)
            self._changed.notify_all()


class Node:
    """A storage object and its recorder, to be called from the test's thread."""

    def __init__(self, storage: Any) -> None:
        self.storage = storage
        self.recorder = Recorder()

    def begin(self, wait: bool) -> None:
        """Start it.

        :param wait: until it is ready
        """
        start = self.storage.start
        if wait:
            call(start, self.recorder)
        else:
            # Stopped before it was ready: that is no error of the test.
            call(lambda: [start(self.recorder).addErrback(lambda failure: failure.trap(StorageAway, ConfigError))])

    def __getattr__(self, verb: str) -> Any:
        method = getattr(self.storage, verb)
        return lambda *args, **kwargs: call(method, *args, **kwargs)


class Backend:
    """Makes nodes of one storage object class that share what that class can share.

    :ivar settings: option values for the nodes to come
    """

    def __init__(self, module: str, **settings: Any) -> None:
        self.module = module
        self.StorageObject = import_module(module).StorageObject
        self.settings = settings
        self.nodes: list[Node] = []

    def make(self, **settings: Any) -> Any:
        """A storage object, not started."""
        options = {option.name: option.default for option in self.StorageObject.OPTIONS} | self.settings | settings
        return self.StorageObject(SimpleNamespace(**options))

    def node(self, wait: bool = True, **settings: Any) -> Node:
        node = Node(call(self.make, **settings))
        # One that does not come to start is stopped too: it would go on trying, beside the tests that follow.
        self.nodes.append(node)
        node.begin(wait)
        return node

    def near(self, name: str) -> str:
        """A channel's name that begins with this, for one that is in the pools of others so named. On a cluster only
        those of a partition share what a pool may have."""
        if not self.settings.get("redis_cluster"):
            return name
        names = (f"{name}{'~' * (number > 0)}{number or ''}" for number in count())
        return next(each for each in names if partition_of(each.encode()) == 0)

    def pool(self, name: str, bytes: int = 0, channels: int = 0) -> Pool:
        """A pool of which channels that are `near` to each other may have so much."""
        share = POOL_SHARE if self.settings.get("redis_cluster") else 1
        return Pool(name, bytes * share, channels * share)

    def close(self) -> None:
        for node in self.nodes:
            node.stop()


def message(channel: str, payload: str, *exclude: str) -> Publication:
    return Publication(channel, ((payload.encode(), False),), frozenset(exclude))

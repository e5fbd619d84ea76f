"""Reading single keys that are not ours, in whichever slot they are: nothing else follows a key that is being moved."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import txredisapi
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from filtered_websocket.errors import StorageAway
from filtered_websocket.storage_objects.redis.cluster.interfaces import Maps
from filtered_websocket.storage_objects.redis.cluster.node import Node
from filtered_websocket.storage_objects.redis.cluster.redirects import Kind, Place, redirect_of
from filtered_websocket.storage_objects.redis.cluster.slots import slot_of
from filtered_websocket.storage_objects.redis.command import command
from filtered_websocket.storage_objects.redis.replies import away

ASKING = command(b"ASKING")
MOST = 10_000
"""So many may wait for a map that says where to ask."""


class _Read:
    __slots__ = ("answer", "key", "node", "place", "until")

    def __init__(self, key: bytes, until: float) -> None:
        self.key, self.until = key, until
        self.place: Place | None = None  # that the key has been moved to, or is being moved to
        self.node: Node | None = None  # that has been asked
        self.answer: Deferred[Any] = Deferred()


class ForeignReads:
    """
    :param nodes: those there are
    :param maps: finds others
    """

    def __init__(self, nodes: Mapping[Place, Node], maps: Maps) -> None:
        self._nodes, self._maps = nodes, maps
        self._waiting: list[_Read] = []
        self._asked: set[_Read] = set()
        self._stopped = False

    def read(self, key: bytes, until: float) -> Deferred[Any]:
        """The value. Fails with StorageAway if it cannot be had until then, or too many wait."""
        if self._stopped or len(self._waiting) + len(self._asked) >= MOST:
            return away()
        read = _Read(key, until)
        self._ask(read)
        return read.answer

    def go_on(self) -> None:
        """There is a new map, or one node more."""
        waiting, self._waiting = self._waiting, []
        for read in waiting:
            self._ask(read)

    def tick(self, now: float) -> None:
        late = [read for read in (*self._asked, *self._waiting) if now > read.until]
        self._waiting = [read for read in self._waiting if now <= read.until]
        for read in late:
            if read in self._asked and read.node is not None:
                # Where no partition is at home, no heartbeat shows that it is frozen.
                read.node.give_up("it has not said in time what a key has")
                self._asked.remove(read)
            read.answer.errback(StorageAway("Redis is away: not done"))
        self.go_on()

    def stop(self) -> None:
        self._stopped = True
        waiting, self._waiting = self._waiting, []
        for read in waiting:
            read.answer.errback(StorageAway("the storage object was stopped"))

    def _ask(self, read: _Read) -> None:
        home = read.place or self._maps.topology.home(slot_of(read.key))
        node = None if home is None else self._nodes.get(home)
        if node is None or node.commands is None:
            self._waiting.append(read)
            return
        if read.place is not None:
            node.commands.ask_once(ASKING).addErrback(lambda _: None)  # a single server does not know it
        read.node = node
        self._asked.add(read)
        asked = node.commands.ask_once(command(b"GET", read.key))
        asked.addCallbacks(partial(self._done, read), partial(self._failed, read, node.place))

    def _done(self, read: _Read, value: Any) -> None:
        if read in self._asked:  # otherwise it was too late
            self._asked.remove(read)
            read.answer.callback(value)

    def _failed(self, read: _Read, asked: Place, failure: Failure) -> None:
        if read not in self._asked:
            return
        self._asked.remove(read)
        redirect = redirect_of(failure.getErrorMessage()) if failure.check(txredisapi.ResponseError) else None
        if self._stopped or (redirect is None and not failure.check(StorageAway)):
            read.answer.errback(failure)
            return
        read.place = None
        self._waiting.append(read)
        if redirect is not None and redirect.kind is Kind.ASK and redirect.place is not None:
            read.place = redirect.place._replace(host=redirect.place.host or asked.host)
            if self._maps.node_at(read.place).is_up:
                self.go_on()
        else:
            self._maps.look(None if redirect is None else redirect.place)

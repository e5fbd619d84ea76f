"""Where one node stands on the channels it follows at one Redis, and what is done about publications it has missed.

A channel that keeps history is followed by position. While things are well no position is compared: Redis delivers in
order on one connection. After an outage what arrives is held until the history has told what was missed. What it told
is dropped when it arrives too, which may be long after, since history comes by the other connection.
"""

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from filtered_websocket.messages.envelope import decode
from filtered_websocket.messages.publication import Position, Publication
from filtered_websocket.storage_objects.redis.connection import CommandConnection
from filtered_websocket.storage_objects.redis.history_scripts import RECOVER
from filtered_websocket.storage_objects.redis.interfaces import OneRedis

log = Logger()
NOTHING = Position("", 0)
"""Where a channel stands that had no history when it was subscribed to."""


class Followed:
    """A channel.

    :ivar last: the last position seen
    :ivar held: what arrives while a gap is filled, else None
    :ivar filled: up to where the last gap was filled, until something later arrives
    """

    __slots__ = ("filled", "held", "last", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self.last = NOTHING
        self.held: list[Publication] | None = None
        self.filled: Position | None = None


class Gaps:
    """
    :param shard: whose keys and consumer are meant
    """

    def __init__(self, shard: OneRedis) -> None:
        self._shard = shard

    def find_position(self, followed: Followed, command: CommandConnection) -> Deferred[Any]:
        """Ask where the channel stands, before it is subscribed to: nothing can fall between the two."""

        def found(reply: list[bytes | None]) -> None:
            epoch, offset = reply
            followed.last = NOTHING if epoch is None else Position(epoch.decode(), int(offset or 0))

        return command.ask(self._shard.meta_request(followed.name), found)

    def open(self, followed: Followed) -> None:
        """Something may be missing from now on: what arrives is held."""
        # Left from a gap whose filling was interrupted: what has a position will be filled again, what has none is in
        # no history.
        for publication in followed.held or ():
            if publication.position is None:
                self._consume(publication)
        followed.held = []

    def fill(self, followed: Followed, command: CommandConnection, is_wanted: Callable[[], bool]) -> Deferred[Any]:
        """Fill it from history, or tell that this cannot be done; fires when that is done.

        :param is_wanted: whether the channel is still followed when history has come
        """

        def found(reply: list[Any]) -> None:
            if is_wanted():
                self._fill(followed, bool(reply[0]), reply[1:])

        last = followed.last
        values = (last.epoch.encode(), b"%d" % last.offset, self._shard.prefix)
        return command.ask(RECOVER.request(self._shard.history_keys(followed.name), values), found, RECOVER)

    def arrived(self, followed: Followed, publication: Publication) -> None:
        if followed.held is not None:
            followed.held.append(publication)
        else:
            self._take(followed, publication)

    def _take(self, followed: Followed, publication: Publication) -> None:
        position, filled = publication.position, followed.filled
        if position is not None:
            if filled is not None:
                if position.epoch == filled.epoch and position.offset <= filled.offset:
                    return
                followed.filled = None
            followed.last = position
        self._consume(publication)

    def _fill(self, followed: Followed, proven: bool, envelopes: list[bytes]) -> None:
        if not proven:
            self._tell_gap(followed)
            followed.last = NOTHING
        followed.filled = None
        for envelope in envelopes:
            self._take(followed, decode(followed.name, envelope))
        followed.filled = followed.last if envelopes else None
        held, followed.held = followed.held or (), None
        for publication in held:
            self._take(followed, publication)

    def _consume(self, publication: Publication) -> None:
        try:
            self._shard.consumer.consume(publication)
        except Exception:
            log.failure("the consumer failed on a publication, which is lost")

    def _tell_gap(self, followed: Followed) -> None:
        try:
            self._shard.consumer.gap(followed.name)
        except Exception:
            log.failure("the consumer failed on being told of a gap")

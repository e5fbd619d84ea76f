"""Where one node stands on the channels it follows at one Redis, and what is done about publications it has missed.

A channel that keeps history is followed by position: what comes is the next, or there is a gap. What arrives after that
is held until the history has told what was missed. What it told is dropped when it arrives too, which may be long
after, since history comes by the other connection.
"""

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from filtered_websocket.errors import StorageAway
from filtered_websocket.messages.publication import Position, Publication
from filtered_websocket.storage_objects.redis.history_scripts import RECOVER
from filtered_websocket.storage_objects.redis.interfaces import Commands, OneRedis
from filtered_websocket.storage_objects.redis.replies import publications

log = Logger()
NOTHING = Position("", 0)
"""Where a channel stands that had no history when it was subscribed to."""

MOST_HELD = 10_000
"""Publications of one channel that may wait for an answer of history. When there are more, all is connected anew."""


class Followed:
    """A channel.

    :ivar last: the position up to which it was consumed
    :ivar before: the same in the epoch before that of ``last``
    :ivar gone: an epoch that comes from replaced masters alone
    :ivar held: what arrives while a gap is filled, else None
    :ivar asked: the newest question to history
    """

    __slots__ = ("asked", "before", "gone", "held", "last", "name")

    def __init__(self, name: str) -> None:
        self.name, self.gone = name, ""
        self.last = self.before = NOTHING
        self.held: list[Publication] | None = None
        self.asked: object = None

    def stand(self, position: Position) -> None:
        if position.epoch != self.last.epoch:
            self.before, self.gone = self.last, self.last.epoch
        self.last = position


class Gaps:
    """
    :param shard: whose keys and consumer are meant
    :param is_followed: whether a channel is still followed
    """

    def __init__(self, shard: OneRedis, is_followed: Callable[[Followed], bool]) -> None:
        self._shard, self._is_followed = shard, is_followed

    def open(self, followed: Followed) -> None:
        """Something may be missing from now on: what arrives is held."""
        # Left from a gap whose filling was interrupted: what has a position will be filled again, what has none is in
        # no history.
        for publication in followed.held or ():
            if publication.position is None:
                self._consume(publication)
        followed.held = []

    def find_position(self, followed: Followed, command: Commands, found_it: Callable[[], None]) -> Deferred[Any]:
        """Ask where the channel stands, of which everything is heard since it was opened, and go on from there.

        :param found_it: called when that is known, before anything that was held is delivered
        """
        held = len(followed.held or ())

        def found(reply: list[bytes | None]) -> None:
            epoch, offset = reply
            if self._is_followed(followed):
                followed.last = NOTHING if epoch is None else Position(epoch.decode(), int(offset or 0))
                found_it()
                self._release(followed, held)

        return command.ask(self._shard.meta_request(followed.name), found)

    def fill(self, followed: Followed, command: Commands) -> Deferred[Any]:
        """Fill it from history, or tell that this cannot be done; fires when that is done."""
        asked = followed.asked = object()
        held = len(followed.held or ())

        def found(reply: list[Any]) -> Any:
            if followed.asked is asked and self._is_followed(followed):
                return self._fill(followed, reply, held)
            return None

        last = followed.last
        values = last.epoch.encode(), b"%d" % last.offset, command.reign, self._shard.prefix
        request = self._shard.call(RECOVER, self._shard.history_keys(followed.name), values)
        return command.ask(request, None, RECOVER).addCallback(found)

    def arrived(self, followed: Followed, publication: Publication) -> None:
        if followed.held is not None:
            followed.held.append(publication)
            if len(followed.held) > MOST_HELD:
                self._shard.give_up(
                    f"{MOST_HELD} publications of {followed.name!r} wait for what is missing before them"
                )
            return
        position, last = publication.position, followed.last
        if position is not None:
            if position.offset == last.offset + 1 and (position.epoch == last.epoch or last is NOTHING):
                followed.last = position
            else:
                if position.epoch != last.epoch or position.offset > last.offset:
                    self._stray(followed, publication)
                return
        self._consume(publication)

    def _stray(self, followed: Followed, publication: Publication) -> None:
        """What does not follow on what came last."""
        assert publication.position is not None
        if publication.position.epoch == followed.gone:
            self._tell(self._shard.consumer.phantom, followed.name)
            return
        followed.held = [publication]
        if self._shard.command is not None:  # otherwise it is filled when all is
            self.fill(followed, self._shard.command).addErrback(self._not_filled)

    def _not_filled(self, failure: Failure) -> None:
        if not failure.check(StorageAway):
            self._shard.give_up(failure.getErrorMessage())

    def _fill(self, followed: Followed, reply: list[Any], held: int) -> Deferred[Any] | None:
        proven, epoch, top = bool(reply[0]), reply[1].decode(), reply[2]
        command = self._shard.command
        if not proven and epoch and epoch == followed.before.epoch and command is not None:
            # What was put back knows nothing of what came in the last epoch, but of the one before.
            followed.gone = followed.last.epoch
            followed.last, followed.before = followed.before, NOTHING
            return self.fill(followed, command)
        missed = publications(followed.name, reply[1], reply[3:])
        if not proven:
            missed = _end_of(missed + (followed.held or []), epoch, top)
            followed.stand(Position(epoch, top - len(missed)) if epoch else NOTHING)
            position = None if followed.last is NOTHING else followed.last
            self._tell(self._shard.consumer.gap, followed.name, position)
        for publication in missed:
            if not self._is_followed(followed):
                return None
            assert publication.position is not None
            followed.stand(publication.position)
            self._consume(publication)
        self._release(followed, held)
        return None

    def _release(self, followed: Followed, older: int) -> None:
        """Take what was held.

        :param older: so many had arrived before history was asked: where it knows nothing of their epoch, nobody does
        """
        held, followed.held = followed.held or [], None
        for index, publication in enumerate(held):
            if not self._is_followed(followed):
                return
            position = publication.position
            if index < older and position is not None and position.epoch != followed.last.epoch:
                followed.gone = position.epoch
                self._tell(self._shard.consumer.phantom, followed.name)
            else:
                self.arrived(followed, publication)

    def _consume(self, publication: Publication) -> None:
        try:
            self._shard.consumer.consume(publication)
        except Exception:
            log.failure("the consumer failed on a publication, which is lost")

    def _tell(self, function: Callable[..., object], *args: Any) -> None:
        try:
            function(*args)
        except Exception:
            log.failure("the consumer failed on being told {args!r}", args=args)


def _end_of(publications: list[Publication], epoch: str, top: int) -> list[Publication]:
    """Those of this epoch that lead up to this offset without a hole."""
    found = {each.position.offset: each for each in publications if each.position and each.position.epoch == epoch}
    first = top
    while first in found:
        first -= 1
    return [found[offset] for offset in range(first + 1, top + 1)]

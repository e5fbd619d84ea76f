"""A channel that subscribers come back to: what each of them needs is found, and read once for all.

A client waits until the channel's tail reaches back to where it stands. What the tail lacks is read from storage
(`past.Past`), runs through the consumer chain, and is put in front of it. What a position is worth that the tail does
not know, storage says. A client that has heard more elsewhere than this node waits until that has caught up.
"""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, NamedTuple, Protocol

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from filtered_websocket.chain.deferreds import DONE, start
from filtered_websocket.chain.interfaces import Pipeline as View
from filtered_websocket.errors import StorageAway
from filtered_websocket.messages.publication import Position
from filtered_websocket.messages.recovery import AWAY, EPOCH, GAP
from filtered_websocket.pipeline.catching_up import CatchingUp, Next, Step
from filtered_websocket.pipeline.consumer import Consumer
from filtered_websocket.pipeline.hub import Hub
from filtered_websocket.pipeline.names import Names
from filtered_websocket.pipeline.past import Past
from filtered_websocket.pipeline.replay import replay
from filtered_websocket.pipeline.tail import Tail
from filtered_websocket.pipeline.tails import Tails
from filtered_websocket.storage_objects.base import BaseStorageObject, Keep

_log = Logger()

CATCH_UP_SECONDS = 5.0
"""How long a client may wait for its node to hear what it has heard elsewhere."""
TRIES = 3
"""Reads for one channel in a row that may be in vain, because the tail has moved on meanwhile."""


class Recovered(View, Protocol):
    """The pipeline, as what its clients recover knows it: options and names change when it is reloaded."""

    @property
    def hub(self) -> Hub: ...
    @property
    def names(self) -> Names: ...


class Here(NamedTuple):
    """What of a pipeline all its channels need."""

    pipeline: Recovered
    storage: BaseStorageObject
    consumer: Consumer
    past: Past
    tails: Tails


class Returning:
    """
    :param keep: what is kept of the channel, where that is not by the option ``channels``
    :ivar clients: those that come back, by id
    :ivar is_ready: this node knows where it stands
    :ivar is_over: they are all gone
    """

    def __init__(self, channel: str, here: Here, keep: Keep | None) -> None:
        self.channel, self._here, self._tails, self._keep = channel, here, here.tails, keep
        self.clients: dict[str, CatchingUp] = {}
        self.is_ready = self.is_over = self._is_reading = False
        # Reads in a row that were in vain.
        self._vain = 0

    @property
    def keep(self) -> Keep | None:
        """What is kept of the channel, by the rules that there are now."""
        return self._keep or self._here.pipeline.names.kept(self.channel)

    @property
    def tail(self) -> Tail | None:
        """The channel's. None where it keeps nothing: what is in none has a place in no tail."""
        return None if self.keep is None else self._tails.get(self.channel)

    # Where this node stands.

    async def prepare(self, confirmed: Deferred[Any], is_first: bool) -> None:
        """Find out where this node stands.

        :param confirmed: fires when storage has confirmed the channel
        :param is_first: which it has been asked for now
        """
        here, channel, tails = self._here, self.channel, self._tails
        name, keep = here.pipeline.prefix + channel, self.keep
        position = None
        try:
            await confirmed
        except BaseException as error:
            for client in list(self.clients.values()):
                client.fail(error)
            return
        try:
            if channel not in tails and not is_first:
                position = await here.storage.subscribe(name)
            if channel not in tails and position is None and keep is not None:
                epoch, _ = await here.storage.position(name, keep.pool)
                position = Position(epoch, 0)
        except Exception as error:
            _away(self.clients.values(), error)
        here.consumer.in_order(partial(self.set_ready, position))

    def set_ready(self, position: Position | None) -> None:
        """
        :param position: where this node stands, if its tail does not tell
        """
        if self.is_over:
            return
        if position is not None:
            self._tails.stand(self.channel, position)
        self.is_ready = True
        self.serve()

    def lose(self) -> None:
        """Nobody knows where this node stands."""
        self.is_ready = False
        start(self.prepare(DONE, is_first=False))

    # What each needs.

    def serve(self, clients: Sequence[CatchingUp] | None = None) -> None:
        """Let those know that can be answered, and find out what is missing for the others.

        :param clients: of which nothing was found out; None: of all
        """
        if not self.is_ready:
            return
        tail = self.tail
        is_read_needed = False
        waiting = self._waiting() if clients is None else clients
        for client in waiting:
            if client.is_caught or client.asked:  # by what another does when it is answered
                continue
            step = Step.ANSWER if tail is None else self.next(client, tail).step
            if step is Step.ANSWER:
                self._set_caught(client)
            elif step is Step.READ:
                is_read_needed = True
            elif step is Step.ASK:
                self._ask(client, waiting)
            elif client.deadline is None:
                self._tails.watched.add(self.channel)
                later = self._here.pipeline.server.reactor.callLater
                client.deadline = later(CATCH_UP_SECONDS, self._give_up, client)
        if is_read_needed and not self._is_reading and tail is not None:
            self._is_reading = True
            start(self._read(tail))

    def next(self, client: CatchingUp, tail: Tail) -> Next:
        keep = self.keep
        if keep is not None:
            self._tails.expire(tail, keep.count, keep.seconds)
        return client.next(tail, self._tails.most_publications, self._tails.most_bytes)

    def _waiting(self) -> list[CatchingUp]:
        return [each for each in self.clients.values() if not (each.is_caught or each.asked)]

    def _set_caught(self, client: CatchingUp) -> None:
        client.set_caught()
        tail = self.tail
        if tail is not None and not client.is_over:
            self._tails.pin(tail)  # it joins later, with others
            client.pinned = tail

    def _give_up(self, client: CatchingUp) -> None:
        client.deadline = None
        client.give_up(GAP)
        self.serve([client])

    def _ask(self, client: CatchingUp, among: Iterable[CatchingUp]) -> None:
        """Ask storage what positions of an epoch are worth: the latest of them, which tells of all before it."""
        assert client.since is not None
        epoch = client.since.epoch
        waiting = [each for each in among if not (each.is_caught or each.asked or each.reason)]
        clients = [each for each in waiting if each.since is not None and each.since.epoch == epoch]
        latest = max(each.since for each in clients if each.since is not None)
        for each in clients:
            each.asked = True
        start(self._find_worth(latest, clients))

    async def _find_worth(self, latest: Position, clients: list[CatchingUp]) -> None:
        tail, error = self.tail, None
        known = None if tail is None else (tail, tail.generation)
        worth = None
        try:
            worth = await self._here.past.worth(self.channel, latest)
        except Exception as fault:
            error = fault
        for client in clients:
            client.asked = False
            if error is not None:
                continue
            if worth is not None and client.since is not None:
                client.proven, client.since = known, worth.of(client.since)
            elif client.since == latest:
                client.reason = GAP if tail is not None and tail.epoch == latest.epoch else EPOCH
        if error is not None:
            _away(clients, error)
        if worth is not None and tail is not None and worth.epoch == tail.epoch != latest.epoch:
            tail.bridges[latest.epoch] = worth
        self.serve(clients)

    async def _read(self, tail: Tail) -> None:
        """Put in front of a tail what those need that wait."""
        self._tails.pin(tail)
        keep, error = self.keep, None
        try:
            before = await self._here.past.before(tail, partial(self._needed, tail))
            left = await replay(self._here.pipeline, before.publications)
            is_in_vain = not before.fits(tail)
            if not is_in_vain:
                tail.extend_back(left, 0 if keep is None else keep.seconds)
                if before.is_all:
                    tail.floor = max(tail.floor, tail.base)
                is_in_vain = not left and not before.is_all
            self._vain = self._vain + 1 if is_in_vain else 0
        except Exception as fault:
            error = fault
        self._is_reading = False
        if error is not None or self._vain >= TRIES:
            waiting = [each for each in self._waiting() if self.next(each, tail).step is Step.READ]
            if error is not None:
                _away(waiting, error)
            self._vain = 0
            for each in waiting:
                each.give_up(GAP)
        self.serve()
        self._tails.let_go(tail)

    def _needed(self, tail: Tail) -> int:
        """The offset behind which all is needed by those that wait."""
        steps = [self.next(each, tail) for each in self._waiting()]
        return min([offset for step, offset in steps if step is Step.READ], default=tail.base)


def _away(clients: Iterable[CatchingUp], error: Exception) -> None:
    if not isinstance(error, StorageAway):
        _log.failure("the storage object failed to give back what was missed", Failure(error))
    for each in clients:
        each.give_up(AWAY)

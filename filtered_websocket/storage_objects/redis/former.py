"""Names under which something was held before: those of dead nodes, and this node's own. What is still held under one
is swept, part by part, by whichever node sees it first, and each part is told once."""

from typing import Any
from uuid import uuid4

from twisted.internet.defer import inlineCallbacks

from filtered_websocket.storage_objects.redis.held import Entry, Held, Membership
from filtered_websocket.storage_objects.redis.interfaces import OneRedis
from filtered_websocket.storage_objects.redis.lease_scripts import ALONE, SWEEP
from filtered_websocket.storage_objects.redis.missed import tell
from filtered_websocket.storage_objects.redis.parts import PART
from filtered_websocket.storage_objects.values import as_text


class FormerName:
    """One that this node had.

    :param known: what Redis knew of under it
    :ivar swept: others have swept it
    """

    def __init__(self, name: bytes, known: dict[Entry, Membership]) -> None:
        self.name, self.known = name, known
        self.swept = False


class Former:
    """
    :param shard: whose consumer is told
    :param held: what is held now
    :param patience: milliseconds within which those that sweep tell of it, if they live
    :ivar unsure: of these is not known whether others have swept them, since nothing has been claimed anew yet
    """

    def __init__(self, shard: OneRedis, held: Held, patience: int) -> None:
        self._shard, self._held, self._patience = shard, held, patience
        self.unsure: list[FormerName] = []
        self._sure: list[FormerName] = []
        self._untold: list[FormerName] = []  # others may have yet to tell what they have swept

    def claimed(self, edges: dict[Any, int]) -> None:
        """All was claimed anew, and `swept` is known of each.

        :param edges: what that made
        """
        # Where a claim has failed, this node may be alone with a member since then only.
        first = (1,) if len(self.unsure) == 1 else (1, ALONE)
        for former in self.unsure:
            for entry, membership in former.known.items() if former.swept else ():
                if edges.get(entry, ALONE) in first:
                    self._held.entries.get(entry, membership).told_left = True
        self._sure += self.unsure
        self.unsure = []

    @inlineCallbacks
    def settle(self) -> Any:
        """Tell what others have swept that is still held, and sweep what is left under this node's names."""
        while self._sure:
            former = self._sure.pop()
            if former.swept:
                self._untold.append(former)
                yield self.tell_returned()
            yield self.sweep(former.name)

    @inlineCallbacks
    def tell_returned(self) -> Any:
        """Tell what is back, where others have told by now that it left: told first, it would seem to be gone."""
        for former in list(self._untold):
            telling = yield self._shard.ask(b"EXISTS", self._held.key(b"telling:", former.name))
            if telling or former not in self._untold:
                continue
            self._untold.remove(former)
            for entry in former.known:
                membership = self._held.entries.get(entry)
                if membership is not None and membership.told_left:
                    membership.told_left = False
                    tell(self._shard.consumer.member_returned, *entry[:2], membership.info)

    @inlineCallbacks
    def sweep(self, name: bytes) -> Any:
        """Let go what is held under a name whose lease has ended."""
        consumer, key = self._shard.consumer, self._held.key
        state = key(b"n:", name, b":p"), key(b"n:", name, b":t")
        keys = (key(b"nodes"), *state, key(b"totals"), key(b"occupied"), key(b"swept:", name), key(b"telling:", name))
        values = name, key(b"p:"), b"%d" % PART, uuid4().hex.encode(), b"%d" % self._patience
        more = 1
        while more:
            more, left, vacated = yield self._shard.run(SWEEP, keys, values, None)
            texts = [as_text(raw) for raw in left]
            for i in range(0, len(texts), 3):
                tell(consumer.member_left, *texts[i : i + 3])
            for channel in vacated:
                tell(consumer.vacated, as_text(channel))

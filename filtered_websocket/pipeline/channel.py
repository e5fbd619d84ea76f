"""One channel of a hub, and its subscribers."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple, cast

from twisted.logger import Logger

from filtered_websocket.chain.subscriber import Send, Subscriber
from filtered_websocket.messages.batch import Batch, Rest
from filtered_websocket.messages.encoding import Encoding
from filtered_websocket.messages.message import Message
from filtered_websocket.pipeline.corks import Corked

_log = Logger()

FEW = 5
"""Subscribers for which an arrangement is worth its memory: below, they are looked at anew each time."""

HEAD = 4
"""Bytes that the head of each pending message's frame is counted as: most have four or two."""


class Road(NamedTuple):
    """The fast road of subscribers that want their messages in one encoding: their bound sends, and whose these are."""

    encoding: Encoding
    sends: list[Send]
    owners: list[Corked]


Roads = tuple[list[Send], list[Corked], list[Subscriber], Sequence[Road]]
"""The bound sends of the subscribers on the fast road, whose these are, the others, and the roads of encodings."""


class Channel:
    """One channel that has subscribers on this node.

    :ivar mixed: whether one of its subscribers may be in another channel too
    :ivar pending: what waits for the end of the turn: groups of messages that were published together
    :ivar pending_bytes: what that takes as frames, about
    :ivar excluded: the places of groups in that, and the ids of the subscribers that get nothing of each
    :ivar arranged: the roads of all subscribers; None where they have to be looked at
    """

    __slots__ = (
        "_places", "arranged", "excluded", "mixed", "name", "pending", "pending_bytes", "policy", "subscribers",
    )  # fmt: skip

    def __init__(self, name: str, policy: str) -> None:
        self.name = name
        self.policy = policy
        self.mixed = False
        self.subscribers: dict[str, Subscriber] = {}
        # No lists while nothing waits: there may be more channels than connections.
        self.pending: list[Sequence[Message]] | tuple[()] = ()
        self.excluded: list[tuple[int, Collection[str]]] | tuple[()] = ()
        self.pending_bytes = 0
        self.arranged: Roads | None = None
        # Of the subscribers on each fast road, by id, as long as they are arranged; None until one is left out.
        self._places: list[dict[str, int]] | None = None

    def roads(self, missed: Collection[str]) -> Roads:
        """The subscribers by the road that a publication takes to them.

        :param missed: ids of those that are left out
        """
        if self.arranged is None:
            subscribers = self.subscribers
            self.mixed = any(len(each.channels) > 1 for each in subscribers.values())
            if len(subscribers) < FEW:
                return _sorted([each for each in subscribers.values() if each.id not in missed])
            self.arranged, self._places = _sorted(subscribers.values()), None
        if not missed:
            return self.arranged
        sends, owners, others, encoded = self.arranged
        if self._places is None:
            self._places = [_places(owners), *[_places(each.owners) for each in encoded]]
        plain, *rest = self._places
        sends, owners = _without(sends, owners, plain, missed)
        left = [
            Road(each.encoding, *_without(*each[1:], places, missed))
            for each, places in zip(encoded, rest, strict=True)
        ]
        return sends, owners, [each for each in others if each.id not in missed], left

    def exclude(self, names: Collection[str]) -> None:
        """Exclude subscribers from what was published last."""
        excluded = (len(self.pending) - 1, names)
        if self.excluded:
            self.excluded.append(excluded)
        else:
            self.excluded = [excluded]

    def missed(self) -> dict[str, list[int]]:
        """Which groups of what is pending each subscriber is excluded from: id -> places, ascending.

        One look at each id that was named: where each publisher excludes itself, as many as there are publications.
        """
        missed: dict[str, list[int]] = {}
        for place, names in self.excluded:
            for name in names:
                if name in self.subscribers:
                    places = missed.setdefault(name, [])
                    if not places or places[-1] != place:
                        places.append(place)
        return missed

    def rests(self, batch: Batch, missed: Mapping[str, Sequence[int]]) -> list[tuple[Subscriber, Batch]]:
        """What is left of a batch for the subscribers that are excluded from some of it.

        :param missed: see above
        """
        groups = len(batch.groups)
        return [
            (self.subscribers[name], Rest(batch, places)) for name, places in missed.items() if len(places) < groups
        ]

    def deliver(self, subscriber: Subscriber, batch: Batch) -> None:
        """Let a subscriber take these messages."""
        try:
            subscriber.deliver(batch, self.policy)
        except Exception:
            # One that fails must not keep the others of this turn from theirs.
            _log.failure("a subscriber failed to take what it was to deliver, which is lost for it")


def _sorted(subscribers: Iterable[Subscriber]) -> Roads:
    sends: list[Send] = []
    owners: list[Corked] = []
    others: list[Subscriber] = []
    encoded: dict[Encoding, Road] = {}
    for subscriber in subscribers:
        direct = subscriber.direct
        if direct is None:
            others.append(subscriber)
            continue
        owner = cast(Corked, subscriber)  # only connections have a direct send
        encoding = owner.encoding
        if encoding is None:
            sends.append(direct)
            owners.append(owner)
        else:
            road = encoded.get(encoding) or encoded.setdefault(encoding, Road(encoding, [], []))
            road.sends.append(direct)
            road.owners.append(owner)
    return sends, owners, others, tuple(encoded.values())


def _places(owners: Iterable[Corked]) -> dict[str, int]:
    return {name: place for place, name in enumerate([owner.id for owner in owners])}


def _without(
    sends: list[Send], owners: list[Corked], places: Mapping[str, int], missed: Collection[str]
) -> tuple[list[Send], list[Corked]]:
    """A road without some, by their places on it."""
    sends, owners = sends.copy(), owners.copy()
    for place in sorted([places[name] for name in missed if name in places], reverse=True):
        del sends[place], owners[place]
    return sends, owners

"""One channel of a hub, and its subscribers."""

from collections.abc import Collection, Sequence
from typing import Protocol

from twisted.logger import Logger

from filtered_websocket.chain.interfaces import Send, Subscriber
from filtered_websocket.messages.batch import Batch
from filtered_websocket.messages.message import Message

_log = Logger()

Pending = tuple[Sequence[Message], Collection[str]]
"""What was published together, and the ids of the subscribers that get nothing of it."""


class Corked(Protocol):
    """A connection that may hold back what is sent to it alone, until the end of the turn."""

    corked: bytes

    @property
    def direct(self) -> Send | None: ...
    def uncork(self) -> None: ...
    def finish(self, blob: bytes, sent: int) -> None: ...


class Channel:
    """One channel that has subscribers on this node."""

    __slots__ = (
        "mixed", "name", "others", "owners", "pending", "pending_bytes", "places", "policy", "sends", "subscribers",
    )  # fmt: skip

    def __init__(self, name: str, policy: str) -> None:
        self.name = name
        self.policy = policy
        #: whether one of its subscribers is in another channel too
        self.mixed = False
        self.subscribers: dict[str, Subscriber] = {}
        self.pending: list[Pending] = []
        self.pending_bytes = 0
        self.sends: list[Send] | None = None
        self.owners: list[Subscriber] = []
        self.others: list[Subscriber] = []
        self.places: dict[str, int] = {}

    def arrange(self) -> list[Send]:
        """Sort the subscribers into those on the fast road and the others."""
        sends: list[Send] = []
        owners: list[Subscriber] = []
        others: list[Subscriber] = []
        places: dict[str, int] = {}
        self.mixed = any(len(subscriber.channels) > 1 for subscriber in self.subscribers.values())
        for name, subscriber in self.subscribers.items():
            direct = subscriber.direct
            if direct is None:
                others.append(subscriber)
            else:
                places[name] = len(sends)
                sends.append(direct)
                owners.append(subscriber)
        self.sends, self.owners, self.others, self.places = sends, owners, others, places
        return sends

    def missed(self, pending: Sequence[Pending]) -> dict[str, list[int]]:
        """Which of what was published each subscriber is excluded from: id -> places, ascending.

        One look at each id that was named: where each publisher excludes itself, as many as there are publications.
        """
        missed: dict[str, list[int]] = {}
        for place, (_, names) in enumerate(pending):
            for name in names:
                if name in self.subscribers:
                    places = missed.setdefault(name, [])
                    if not places or places[-1] != place:
                        places.append(place)
        return missed

    def deliver(self, subscriber: Subscriber, batch: Batch) -> None:
        """Let a subscriber take these messages."""
        try:
            subscriber.deliver(batch, self.policy)
        except Exception:
            # One that fails must not keep the others of this turn from theirs.
            _log.failure("a subscriber failed to take what it was to deliver, which is lost for it")

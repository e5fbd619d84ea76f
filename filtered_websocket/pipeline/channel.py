"""One channel of a hub, and its subscribers."""

from collections.abc import Callable, Collection, Sequence
from typing import Protocol

from filtered_websocket.messages.batch import Batch
from filtered_websocket.messages.message import Message

Send = Callable[[bytes], int]


Pending = tuple[Sequence[Message], Collection[str]]
"""What was published together, and the ids of who gets nothing of it."""


class Subscriber(Protocol):
    """What the hub knows of whoever receives a channel."""

    id: str
    channels: set[str]

    @property
    def direct(self) -> Send | None:
        """The bound ``send`` of a socket that takes plain frames now, or None."""

    def deliver(self, batch: Batch, policy: str) -> None:
        """Take these messages, at whatever pace; `policy` says what to lose if the pace is too slow."""

    def finish(self, blob: bytes, sent: int) -> None:
        """The direct send took only `sent` bytes of this blob: see to the rest."""


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

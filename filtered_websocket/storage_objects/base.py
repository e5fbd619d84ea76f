"""The interface of storage objects, and what all of them share.

Every method that does work returns a Deferred and has begun the work when it returns; nothing raises but TypeError and
ValueError for what a caller must not do. All calls, and all calls of the consumer, happen in the reactor's thread.
Names, values and infos are str; of what is stored as bytes, valid UTF-8 comes back as str.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple, Protocol

from twisted.internet.defer import Deferred

from filtered_websocket.chain.deferreds import DONE
from filtered_websocket.errors import StorageAway
from filtered_websocket.limits.history_pool import DEFAULT_POOL, Pool
from filtered_websocket.messages.publication import Position, Publication
from filtered_websocket.storage_objects.values import as_bytes, as_text

__all__ = ["DEFAULT_POOL", "DONE", "BasePubSubStorageObject", "BaseStorageObject", "Consumer", "Keep", "Pool"]
__all__ += ["Position", "Record", "StorageAway", "as_bytes", "as_text"]


PUBLICATION_COST = 512
"""Bytes that a kept publication counts for beside its payload and its channel's name: about what memory it takes."""


EPOCH_SECONDS = 86400.0
"""How long a channel's epoch outlives its last publication, so that a client that saw that one can still be told so."""


BRIDGES = 4
"""Epochs before a channel's present one of which is known where they ended, so that their positions go on to count."""


class Keep(NamedTuple):
    """What a channel keeps: the newest ``count`` publications, none older than ``seconds`` (0: whatever their age), in
    all not more than ``bytes`` (0: any number; counted as the pool counts), as long as there is room in their ``pool``.

    :ivar meta_seconds: how long it is known where the history stood when its last publication has become too old
    """

    count: int  # type: ignore[assignment]  # hides tuple.count, which is not needed here
    seconds: float = 0
    pool: Pool = DEFAULT_POOL
    bytes: int = 0
    meta_seconds: float = EPOCH_SECONDS

    @classmethod
    def by_rule(cls, rule: Mapping[str, Any], pool: Pool) -> "Keep | None":
        """What a rule of the option `channels` says, None for nothing."""
        if not rule.get("history"):
            return None
        more = rule.get("history_bytes", 0), rule.get("history_meta_seconds", EPOCH_SECONDS)
        return cls(rule["history"], rule.get("history_seconds", 0), pool, *more)


class Record(NamedTuple):
    """A value with a time to live.

    :ivar owner: the node that has stored it
    """

    value: str | bytes
    owner: str


class Consumer(Protocol):
    """What a storage object delivers to. It must not raise: what it raises is logged, and that item is lost."""

    def consume(self, publication: Publication) -> object:
        """A publication has arrived on a channel this node subscribed to."""

    def consume_bus(self, item: dict[str, Any]) -> object:
        """A raw message: ``{"type": "message", "pattern": None, "channel": bytes, "data": bytes}``, or a "pmessage"."""

    def member_left(self, channel: str, member: str, info: str) -> object:
        """A member is gone with a node that died, or left while the storage was away. Called on one node only."""

    def member_returned(self, channel: str, member: str, info: str) -> object:
        """Others were told that this member left, while this node, which holds it, was cut off. It is here."""

    def vacated(self, channel: str) -> object:
        """A tracked channel has lost its last subscriber in the same ways. Called on one node only."""

    def gap(self, channel: str, position: Position | None) -> object:
        """Publications on this channel were lost for this node and cannot be had from history.

        :param position: where this node stands now, right before what it consumes next; None if the channel has no
            history
        """

    def bus_gap(self) -> object:
        """Raw messages may be lost for this node until what has them is found again, though the storage stays ready."""

    def phantom(self, channel: str) -> object:
        """A publication came from a master that others have replaced. It is in no history, and was not consumed."""

    def history_dropped(self, limit: str, count: int, channel: str) -> object:
        """Publications left their histories before their time, for what was sent on this channel.

        :param limit: of the pool: ``history_bytes`` or ``history_channels``
        """

    def ready_changed(self, ready: bool) -> object:
        """The storage came or went."""


class BaseStorageObject(ABC):
    """What every storage object can do.

    :cvar durable: what was confirmed outlives this process, however it ends
    :cvar shared: other processes see the same, and publications reach their subscribers
    :cvar OPTIONS: the :class:`filtered_websocket.config.Option` declarations of this backend
    """

    durable: bool = False
    shared: bool = False
    OPTIONS: tuple[Any, ...] = ()

    def __init__(self, options: Any = None, *_: Any, **__: Any) -> None:
        # As the original's base did, for what was written for that and calls it.
        self.options, self.storage = options, None

    @classmethod
    def check_options(cls, options: Any) -> None:
        """What a start would fail for and no option alone can tell; opens and makes nothing.

        :raises ConfigError: with a line for each fault
        """
        return

    @classmethod
    def parser(cls, parser: Any) -> Any:
        """The original's way to declare options: add them to an argparse parser."""
        return parser

    @property
    def private_bus(self) -> bool:
        """Whether what is published on the bus is heard in this process only."""
        return False

    @property
    @abstractmethod
    def ready(self) -> bool:
        """Whether everything works now: writes are taken, and no subscription is deaf."""

    @abstractmethod
    def wait_ready(self) -> Deferred[None]:
        """Fires when ``ready`` is next true, at once if it is; fails with StorageAway when stopped before."""

    # Sets.

    @abstractmethod
    def get(self, key: str) -> Deferred[set[str] | None]:
        """The set of this name, None if it is empty."""

    def __getitem__(self, key: str) -> Deferred[set[str] | None]:
        return self.get(key)

    @abstractmethod
    def add(self, key: str, value: str) -> Deferred[bool]:
        """Put a value into a set; True if it is new there."""

    @abstractmethod
    def remove(self, key: str, value: str) -> Deferred[bool]:
        """Take a value out of a set; True if it was there."""

    # Maps.

    @abstractmethod
    def put(self, key: str, field: str, value: str | bytes, only_new: bool = False) -> Deferred[bool]:
        """Set a field of a map; with ``only_new`` in one step only if it has no value yet. True if it was set."""

    @abstractmethod
    def fields(self, key: str) -> Deferred[dict[str, str | bytes]]:
        """All fields of a map (empty if there is none); values are str where they are valid UTF-8, else bytes."""

    @abstractmethod
    def delete(self, key: str, field: str | None = None) -> Deferred[bool]:
        """Delete a field of a map, or the whole map. True if there was one."""

    # Records: values with a time to live, each of an owner. Their names are apart from those of sets and maps.

    @abstractmethod
    def store(
        self,
        key: str,
        value: str | bytes | None,
        seconds: float,
        owner: str = "",
        only_if: Collection[str] | None = None,
    ) -> Deferred[bool]:
        """Store a record for so many seconds, or with a value of None delete it; in one step.

        :param owner: it is this one's from now on
        :param only_if: only if its owner is one of these now; "" among them stands for no record; None: in any case
        :returns: whether it was done
        """

    @abstractmethod
    def load(self, key: str) -> Deferred[Record | None]:
        """The record of this name, None if there is none (any more)."""

    @abstractmethod
    def take(self, key: str, owner: str) -> Deferred[Record | None]:
        """Make a record this owner's, in one step; what it was, with its former owner, None if there is none."""

    # The bus: raw, unprefixed, what other programs read and write.

    @abstractmethod
    def publish(self, channel: str, data: str | bytes) -> Deferred[None]:
        """Send data as it is to all that listen to this name."""

    @abstractmethod
    def listen(self, channel: str) -> Deferred[None]:
        """Have what arrives under this name passed to ``consumer.consume_bus``; fires when confirmed."""

    @abstractmethod
    def listen_to_all(self, prefix: str) -> Deferred[None]:
        """The same for all names that begin with this, as ``{"type": "pmessage", "pattern": bytes, ...}``; it stays."""

    @abstractmethod
    def unlisten(self, channel: str) -> Deferred[None]:
        """The end of that."""

    @abstractmethod
    def read(self, key: str) -> Deferred[bytes | None]:
        """A plain value that another program stored under this very key."""

    # Channels.

    @abstractmethod
    def start(self, consumer: Consumer) -> Deferred[None]:
        """Begin; fires when ready. A storage that cannot be reached is no failure: it is tried until ``stop``.

        Fails with ConfigError when it can never work (a file that cannot be opened).
        """

    @abstractmethod
    def stop(self) -> Deferred[None]:
        """Leave: waits for what was begun, gives back what this node held, and closes. Safe to call twice."""

    @abstractmethod
    def send(
        self, publication: Publication, keep: Keep | None = None, once: str | None = None
    ) -> Deferred[Position | None]:
        """Publish to the channel's subscribers on all nodes; with ``keep`` append to its history in the same step.

        Fires with its position in history when it is stored and on its way; every node's consumer, this one's too,
        gets it in the order of positions.

        :param once: a name of what is kept, any str: while the channel keeps one of this name, nothing is sent, and it
            fires with that one's position
        """

    @abstractmethod
    def subscribe(self, channel: str) -> Deferred[Position | None]:
        """Publications on this channel are consumed from now on; fires when confirmed, after an outage if need be.

        It fires with the position up to which the channel is consumed here, or was before: what is behind it is
        consumed in order, without a hole, and nothing at or before it any more. None if there is no history: what is
        kept first has offset 1. Within an epoch each offset is the one before and 1. Where another epoch follows
        without a ``gap``, nothing is missing between the two.
        """

    @abstractmethod
    def unsubscribe(self, channel: str) -> Deferred[None]:
        """They are not any more."""

    @abstractmethod
    def track(self, channel: str, count: int) -> Deferred[int]:
        """Tell how many subscribers this node has on a channel.

        Fires with the edge that this made: 1 when the total of all nodes rose from 0, -1 when it fell to 0, else 0.
        """

    @abstractmethod
    def count(self, channel: str) -> Deferred[int]:
        """How many subscribers a tracked channel has on all nodes."""

    @abstractmethod
    def occupied(self, prefix: str = "") -> Deferred[dict[str, int]]:
        """The tracked channels that have subscribers and begin with ``prefix``, and how many they have."""

    # History.

    @abstractmethod
    def since(self, channel: str, position: Position, limit: int = 0) -> Deferred[list[Publication] | None]:
        """What came after a position, oldest first; None when something may be missing (trimmed, other epoch).

        :param limit: at most so many, the oldest; 0: all
        """

    @abstractmethod
    def latest(self, channel: str, skip: int, count: int) -> Deferred[list[Publication]]:
        """Kept publications, newest first: ``count`` of them after the first ``skip``."""

    @abstractmethod
    def clear(self, channel: str) -> Deferred[bool]:
        """Drop what a channel keeps. Where its history stands is known as before, and offsets go on. True if there was
        something."""

    @abstractmethod
    def position(self, channel: str, pool: Pool = DEFAULT_POOL) -> Deferred[Position]:
        """Where the channel's history ends now; of a channel that has none one begins, at offset 0, in this pool."""

    # Presence.

    @abstractmethod
    def join(self, channel: str, member: str, holder: str, info: str = "") -> Deferred[bool]:
        """A holder (a connection) makes a user a member. True if it is the member's first holder on all nodes."""

    @abstractmethod
    def leave(self, channel: str, member: str, holder: str) -> Deferred[bool]:
        """A holder lets go. True if it was the member's last."""

    @abstractmethod
    def members(self, channel: str) -> Deferred[dict[str, str]]:
        """Every member, and the info its newest holder gave. Costs as much as there are members."""

    @abstractmethod
    def member(self, channel: str, member: str) -> Deferred[str | None]:
        """The info that the member's newest holder gave; None if it is no member. Costs the same however many are."""

    @abstractmethod
    def member_count(self, channel: str) -> Deferred[int]:
        """How many members there are. Costs the same however many are."""


class BasePubSubStorageObject(BaseStorageObject):
    """The original's base of storage objects that bring a subscriber: ``get_subscriber`` gives a class, to be made with
    ``client`` (what ``get_client`` gives) and ``options``, whose ``listener`` runs in a thread of its own and puts what
    it hears into the ``queue`` of what it is given. ``kill`` ends it."""

    def get_client(self) -> Any:
        raise NotImplementedError

    @classmethod
    def get_subscriber(cls) -> Any:
        raise NotImplementedError

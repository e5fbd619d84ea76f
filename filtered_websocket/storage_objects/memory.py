"""Memory storage, the default: plain dicts of this process, and delivery in the same reactor turn.

Publications and bus messages take the same road as through Redis: into ``send`` and ``publish``, out through the
consumer. What is published while another item is being consumed follows when that has been, so that every subscriber
sees one order.
"""

from collections import deque
from collections.abc import Callable, Collection
from typing import Any

from twisted.internet.defer import Deferred, fail, succeed
from twisted.logger import Logger

from filtered_websocket.chain.deferreds import DONE
from filtered_websocket.limits.history_pool import DEFAULT_POOL, Pool
from filtered_websocket.messages.publication import Position, Publication
from filtered_websocket.storage_objects.base import BaseStorageObject, Consumer, Keep, Record
from filtered_websocket.storage_objects.history import Histories
from filtered_websocket.storage_objects.records import Records
from filtered_websocket.storage_objects.values import as_bytes, as_value, check_text

log = Logger()


class Ear:
    """What one channel is heard with.

    :ivar known: whether it is known where the channel stood when this was opened: what is kept is heard from then on
    :ivar last: the position up to which this node has consumed
    :ivar waiting: what fires when that is known
    """

    __slots__ = ("known", "last", "waiting")

    def __init__(self, known: bool, last: Position | None = None) -> None:
        self.known, self.last = known, last
        self.waiting: list[Deferred[Position | None]] = []


class StorageObject(BaseStorageObject):
    """Everything in this process, nothing kept: neither durable nor shared. Needs no options."""

    def __init__(self, options: object = None) -> None:
        self._sets: dict[str, set[str]] = {}
        self._maps: dict[str, dict[str, str | bytes]] = {}
        self._histories = Histories(self._dropped)
        self._records = Records()
        self._presence: dict[str, dict[str, dict[str, str]]] = {}  # channel -> member -> holder -> info, newest last
        self._counts: dict[str, int] = {}
        self._subscribed: dict[str, Ear] = {}
        self._listening: set[str] = set()
        self._prefixes: set[str] = set()
        self._consumer: Consumer | None = None
        self._delivering = False
        self._following: deque[tuple[Callable[[Any], object], Any]] = deque()

    @property
    def private_bus(self) -> bool:
        # A class that derives from this one may publish in its own way.
        return type(self).publish is StorageObject.publish

    @property
    def ready(self) -> bool:
        return True

    def wait_ready(self) -> Deferred[None]:
        return DONE

    # Sets and maps.

    def get(self, key: str) -> Deferred[set[str] | None]:
        check_text(key)
        values = self._sets.get(key)
        return succeed(None if values is None else set(values))

    def add(self, key: str, value: str) -> Deferred[bool]:
        check_text(key, value)
        values = self._sets.setdefault(key, set())
        new = value not in values
        values.add(value)
        return succeed(new)

    def remove(self, key: str, value: str) -> Deferred[bool]:
        check_text(key, value)
        values = self._sets.get(key)
        if values is None or value not in values:
            return succeed(False)
        values.remove(value)
        if not values:
            del self._sets[key]
        return succeed(True)

    def put(self, key: str, field: str, value: str | bytes, only_new: bool = False) -> Deferred[bool]:
        check_text(key, field)
        stored = as_value(as_bytes(value))
        fields = self._maps.setdefault(key, {})
        if only_new and field in fields:
            return succeed(False)
        fields[field] = stored
        return succeed(True)

    def fields(self, key: str) -> Deferred[dict[str, str | bytes]]:
        check_text(key)
        return succeed(dict(self._maps.get(key, {})))

    def delete(self, key: str, field: str | None = None) -> Deferred[bool]:
        check_text(key)
        if field is None:
            return succeed(self._maps.pop(key, None) is not None)
        fields = self._maps.get(key)
        if fields is None or field not in fields:
            return succeed(False)
        del fields[field]
        if not fields:
            del self._maps[key]
        return succeed(True)

    # Records.

    def store(
        self,
        key: str,
        value: str | bytes | None,
        seconds: float,
        owner: str = "",
        only_if: Collection[str] | None = None,
    ) -> Deferred[bool]:
        return succeed(self._records.store(key, value, seconds, owner, only_if))

    def load(self, key: str) -> Deferred[Record | None]:
        check_text(key)
        return succeed(self._records.load(key))

    def take(self, key: str, owner: str) -> Deferred[Record | None]:
        check_text(key, owner)
        return succeed(self._records.take(key, owner))

    # The bus: this process's listeners.

    def publish(self, channel: str, data: str | bytes) -> Deferred[None]:
        item = {"type": "message", "pattern": None, "channel": as_bytes(channel), "data": as_bytes(data)}
        if self._consumer is None:
            return DONE
        if channel in self._listening:
            self._deliver(self._consumer.consume_bus, item)
        for prefix in self._prefixes:
            if channel.startswith(prefix):
                of_prefix = item | {"type": "pmessage", "pattern": as_bytes(prefix) + b"*"}
                self._deliver(self._consumer.consume_bus, of_prefix)
        return DONE

    def listen(self, channel: str) -> Deferred[None]:
        check_text(channel)
        self._listening.add(channel)
        return DONE

    def listen_to_all(self, prefix: str) -> Deferred[None]:
        check_text(prefix)
        self._prefixes.add(prefix)
        return DONE

    def unlisten(self, channel: str) -> Deferred[None]:
        self._listening.discard(channel)
        return DONE

    def read(self, key: str) -> Deferred[bytes | None]:
        """None: no other program writes here."""
        check_text(key)
        return succeed(None)

    # Channels.

    def start(self, consumer: Consumer) -> Deferred[None]:
        self._consumer = consumer
        return DONE

    def stop(self) -> Deferred[None]:
        self._consumer = None
        return DONE

    def send(self, publication: Publication, keep: Keep | None = None, once: str | None = None) -> Deferred[Any]:
        if keep is None:
            # The hot path of everything published: `_deliver` without its call.
            if publication.channel in self._subscribed and self._consumer is not None:
                if self._delivering:
                    self._following.append((self._consumer.consume, publication))
                else:
                    self._delivering = True
                    try:
                        self._consumer.consume(publication)
                    except Exception:
                        log.failure("the consumer failed on an item, which is lost")
                    self._delivering = False
                    if self._following:
                        self._deliver(*self._following.popleft())
            return DONE
        if once is not None:
            check_text(once)
            before = self._histories.find(publication.channel, once)
            if before is not None:
                return succeed(before)
        position = self._histories.append(publication, keep, once)
        self._deliver_kept(publication)
        return succeed(position)

    def subscribe(self, channel: str) -> Deferred[Position | None]:
        check_text(channel)
        ear = self._subscribed.get(channel)
        if ear is None:
            ear = self._subscribed[channel] = Ear(True, self._histories.where(channel))
        known: Deferred[Any] = DONE if ear.last is None else succeed(ear.last)
        return known

    def unsubscribe(self, channel: str) -> Deferred[None]:
        self._subscribed.pop(channel, None)
        return DONE

    def track(self, channel: str, count: int) -> Deferred[int]:
        check_text(channel)
        if count < 0:
            return fail(ValueError(f"{channel!r} cannot have {count} subscribers"))
        before = self._counts.get(channel, 0)
        if count:
            self._counts[channel] = count
        else:
            self._counts.pop(channel, None)
        return succeed(int(count > 0) - int(before > 0))

    def count(self, channel: str) -> Deferred[int]:
        check_text(channel)
        return succeed(self._counts.get(channel, 0))

    def occupied(self, prefix: str = "") -> Deferred[dict[str, int]]:
        check_text(prefix)
        return succeed({channel: count for channel, count in self._counts.items() if channel.startswith(prefix)})

    # History.

    def since(self, channel: str, position: Position, limit: int = 0) -> Deferred[list[Publication] | None]:
        check_text(channel)
        return succeed(self._histories.since(channel, position, limit))

    def latest(self, channel: str, skip: int, count: int) -> Deferred[list[Publication]]:
        check_text(channel)
        return succeed(self._histories.latest(channel, max(skip, 0), max(count, 0)))

    def clear(self, channel: str) -> Deferred[bool]:
        check_text(channel)
        return succeed(self._histories.clear(channel))

    def position(self, channel: str, pool: Pool = DEFAULT_POOL) -> Deferred[Position]:
        check_text(channel)
        return succeed(self._histories.position(channel, pool))

    # Presence.

    def join(self, channel: str, member: str, holder: str, info: str = "") -> Deferred[bool]:
        check_text(channel, member, holder, info)
        holders = self._presence.setdefault(channel, {}).setdefault(member, {})
        first = not holders
        holders.pop(holder, None)  # so that it is the newest again
        holders[holder] = info
        return succeed(first)

    def leave(self, channel: str, member: str, holder: str) -> Deferred[bool]:
        check_text(channel, member, holder)
        members = self._presence.get(channel, {})
        holders = members.get(member, {})
        if holders.pop(holder, None) is None or holders:
            return succeed(False)
        del members[member]
        if not members:
            del self._presence[channel]
        return succeed(True)

    def members(self, channel: str) -> Deferred[dict[str, str]]:
        check_text(channel)
        members = self._presence.get(channel, {})
        return succeed({member: next(reversed(holders.values())) for member, holders in members.items()})

    def member(self, channel: str, member: str) -> Deferred[str | None]:
        check_text(channel, member)
        holders = self._presence.get(channel, {}).get(member)
        return succeed(None if holders is None else next(reversed(holders.values())))

    def member_count(self, channel: str) -> Deferred[int]:
        check_text(channel)
        return succeed(len(self._presence.get(channel, ())))

    def _dropped(self, limit: str, count: int, channel: str) -> None:
        if self._consumer is not None:
            self._consumer.history_dropped(limit, count, channel)

    def _deliver_kept(self, publication: Publication) -> None:
        """Of what is in history: to the ear that is open now."""
        ear = self._subscribed.get(publication.channel)
        if ear is not None and ear.known and self._consumer is not None:
            self._deliver(self._consume_kept, (ear, publication))

    def _consume_kept(self, heard: tuple[Ear, Publication]) -> None:
        ear, publication = heard
        consumer = self._consumer
        if consumer is None or self._subscribed.get(publication.channel) is not ear:
            return  # left since, and whatever is heard now began later
        last, position = ear.last, publication.position
        ear.last = position
        if position is not None and position.offset == 1 and last is not None and position.epoch != last.epoch:
            # The history was forgotten, and begins anew. (Where an epoch goes on from another, nothing is missing.)
            consumer.gap(publication.channel, Position(position.epoch, 0))
        consumer.consume(publication)

    def _deliver(self, consume: Callable[[Any], object], item: Any) -> None:
        if self._delivering:
            self._following.append((consume, item))
            return
        self._delivering = True
        while True:
            try:
                consume(item)
            except Exception:
                log.failure("the consumer failed on an item, which is lost")
            if not self._following:
                break
            consume, item = self._following.popleft()
        self._delivering = False

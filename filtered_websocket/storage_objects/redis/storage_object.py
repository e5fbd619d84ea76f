"""Redis storage: shared by all nodes that name the same Redis and the same ``redis_key``, here ``fws``.

    fws:s:KEY           set         a set of the storage object, so any tool can read and change it
    fws:m:KEY           hash        a map
    fws:r:KEY           hash        a record: v its value, o its owner; it expires
    fws:c:CHANNEL       pub/sub     publications; what other programs PUBLISH there is taken as a message as it is; on
                                    database N, since publish/subscribe knows none, fws:@N:c:CHANNEL
    fws:h:CHANNEL       list        history: "<expires, ms>,<number> <envelope>", oldest first
    fws:e:CHANNEL       hash        where it stands: e its epoch, o its newest offset, n the reign it was last written
                                    in, b the epochs before; expires a day after the last
    fws:k:CHANNEL       sorted set  names of what was sent once, and is kept -> offset
    fws:b:POOL, o:, x:              what histories take together (`pool_scripts.py`)
    fws:p:CHANNEL       hash        presence: member -> JSON of [[holder, node, info], ...], the newest last
    fws:about           hash        the format of all this, and the reign (`home.py`)
    fws:totals          hash        tracked channel -> subscribers on all nodes
    fws:occupied        sorted set  the tracked channels that have some, all of score 0, for searching by prefix
    fws:nodes           sorted set  node -> end of its lease, in ms of Redis's clock
    fws:n:NODE:p, :t    set, hash   what a node holds: its presence entries, its subscriber counts
    fws:swept:NODE      string      others have swept it
    fws:telling:NODE    set         sweeps that have yet to tell which members left with it
    fws:clock           string      Redis's clock at the last renewal of a lease, in ms
    fws:beat:...        pub/sub     heartbeats

What nodes hold expires a day after the last of them; sets and maps stay, as does history that is kept for ever. The bus
(``publish``, ``listen``, ``read``) is raw: names as they are, for what other programs use. With ``redis_shards`` every
channel and key has its own Redis, chosen by its name; the bus listens on all and writes to the first.

On a Redis Cluster (``redis_cluster``) each channel and key is in one of 64 partitions, chosen by its name, and ``fws:``
is ``fws:{TAG}:`` with the partition's tag (`cluster/partitions.py`). Channels are sharded ones there, where Redis knows
these. The bus is at the first partition's home.

Any Redis client publishes in two lines: ``r = redis.Redis()``, ``r.publish("fws:c:CHANNEL", "text")``.

Whether a write survives Redis itself depends on how Redis is configured (appendonly, replicas), so this backend does
not declare itself durable. Needs Redis 5, and 6 for user names.
"""

from collections.abc import Callable, Collection
from functools import partial
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred, fail, gatherResults, succeed
from twisted.logger import Logger

from filtered_websocket.limits.history_pool import DEFAULT_POOL, Pool
from filtered_websocket.messages.envelope import encode
from filtered_websocket.messages.publication import Position, Publication
from filtered_websocket.storage_objects.base import BaseStorageObject, Consumer, Keep, Record
from filtered_websocket.storage_objects.kept import new_epoch
from filtered_websocket.storage_objects.records import check_record
from filtered_websocket.storage_objects.redis import replies
from filtered_websocket.storage_objects.redis.address import Address, Reach, addresses, reach_by_name
from filtered_websocket.storage_objects.redis.command import command
from filtered_websocket.storage_objects.redis.history_scripts import CLEAR, LATEST, POSITION, SINCE
from filtered_websocket.storage_objects.redis.lease_scripts import OCCUPIED
from filtered_websocket.storage_objects.redis.options import OPTIONS
from filtered_websocket.storage_objects.redis.record_scripts import STORE, TAKE, store_values
from filtered_websocket.storage_objects.redis.shards import Shards
from filtered_websocket.storage_objects.values import as_bytes, check_text

if TYPE_CHECKING:
    from filtered_websocket.storage_objects.redis.shard import Shard

log = Logger()


class StorageObject(BaseStorageObject):
    """
    :param options: the options above; ConfigError if they contradict each other
    :param reach: gives what connects to a host and port, for one that has another way there than the network's: a
        tunnel, a proxy, memory
    """

    durable = False
    shared = True
    OPTIONS = OPTIONS

    @classmethod
    def check_options(cls, options: Any) -> None:
        """
        :raises ConfigError: options that exclude each other, or a ``redis_ca`` that is none
        """
        for address in addresses(options):
            address.check()

    def __init__(self, options: Any, reach: Reach = reach_by_name) -> None:
        found = addresses(options, reach)
        for address in found:
            if address.tls and not (address.trust.verify and address.trust.names):
                log.warn("UNSAFE: what is between may be Redis at {address} (its URL says so)", address=address.name)
        self._prefix = as_bytes(options.redis_key) + b":"
        self._node = new_epoch().encode()
        self._shards = self._make_shards(found, options)
        self._consumer: Consumer | None = None

    def _make_shards(self, found: list[Address], options: Any) -> Shards:
        return Shards(found, self._prefix, self._node, options)

    @property
    def ready(self) -> bool:
        return self._shards.ready

    def wait_ready(self) -> Deferred[None]:
        return self._shards.wait_ready()

    def start(self, consumer: Consumer) -> Deferred[None]:
        self._consumer = consumer
        return self._shards.start(consumer)

    def stop(self) -> Deferred[None]:
        self._consumer = None
        return self._shards.stop()

    # Sets and maps.

    def get(self, key: str) -> Deferred[set[str] | None]:
        check_text(key)
        shard, name = self._at(b"s:", key)
        return shard.ask(b"SMEMBERS", name, convert=replies.text_set)

    def add(self, key: str, value: str) -> Deferred[bool]:
        check_text(key, value)
        return self._write(b"SADD", *self._at(b"s:", key), as_bytes(value))

    def remove(self, key: str, value: str) -> Deferred[bool]:
        check_text(key, value)
        return self._write(b"SREM", *self._at(b"s:", key), as_bytes(value))

    def put(self, key: str, field: str, value: str | bytes, only_new: bool = False) -> Deferred[bool]:
        check_text(key, field)
        where, values = self._at(b"m:", key), (as_bytes(field), as_bytes(value))
        if only_new:
            return self._write(b"HSETNX", *where, *values)
        return self._write(b"HSET", *where, *values, convert=lambda _: True)

    def fields(self, key: str) -> Deferred[dict[str, str | bytes]]:
        check_text(key)
        shard, name = self._at(b"m:", key)
        return shard.ask(b"HGETALL", name, convert=replies.fields)

    def delete(self, key: str, field: str | None = None) -> Deferred[bool]:
        check_text(key)
        if field is None:
            return self._write(b"DEL", *self._at(b"m:", key))
        return self._write(b"HDEL", *self._at(b"m:", key), as_bytes(field))

    # Records.

    def store(
        self,
        key: str,
        value: str | bytes | None,
        seconds: float,
        owner: str = "",
        only_if: Collection[str] | None = None,
    ) -> Deferred[bool]:
        check_record(key, seconds, owner, only_if)
        (shard, name), values = self._at(b"r:", key), store_values(value, seconds, owner, only_if)
        return shard.write(lambda: shard.run(STORE, (name,), values, bool), sum(map(len, values)))

    def load(self, key: str) -> Deferred[Record | None]:
        check_text(key)
        shard, name = self._at(b"r:", key)
        return shard.ask(b"HMGET", name, b"v", b"o", convert=replies.record)

    def take(self, key: str, owner: str) -> Deferred[Record | None]:
        check_text(key, owner)
        (shard, name), values = self._at(b"r:", key), (as_bytes(owner),)
        return shard.write(lambda: shard.run(TAKE, (name,), values, replies.record))

    # The bus.

    def publish(self, channel: str, data: str | bytes) -> Deferred[None]:
        first, parts = self._shards.first(), (as_bytes(channel), as_bytes(data))
        return first.write(lambda: first.ask(b"PUBLISH", *parts, convert=replies.nothing), len(parts[1]))

    def listen(self, channel: str) -> Deferred[None]:
        check_text(channel)
        if as_bytes(channel).startswith(self._prefix):
            return fail(ValueError(f"{channel!r} is the storage object's own"))
        return self._shards.on_bus(lambda shard: shard.subscriptions.add(channel, True))

    def listen_to_all(self, prefix: str) -> Deferred[None]:
        check_text(prefix)
        if as_bytes(prefix).startswith(self._prefix) or self._prefix.startswith(as_bytes(prefix)):
            return fail(ValueError(f"{prefix!r} is what names of the storage object's own begin with"))
        return self._shards.on_bus(lambda shard: shard.subscriptions.prefixes.add(prefix))

    def unlisten(self, channel: str) -> Deferred[None]:
        return self._shards.on_bus(lambda shard: shard.subscriptions.discard(channel, True))

    def read(self, key: str) -> Deferred[bytes | None]:
        return self._shards.read(as_bytes(key))

    # Channels.

    def send(self, publication: Publication, keep: Keep | None = None, once: str | None = None) -> Deferred[Any]:
        shard = self._shards.of(publication.channel)
        try:
            body = encode(publication)
        except ValueError as error:
            return fail(error)
        if shard.open:
            return self._send(shard, publication.channel, body, keep, once)
        return shard.write(lambda: self._send(shard, publication.channel, body, keep, once), len(body))

    def _send(self, shard: "Shard", name: str, body: bytes, keep: Keep | None, once: str | None) -> Deferred[Any]:
        raw = as_bytes(name)
        channel = shard.channel_prefix + raw
        if keep is None or keep.count < 1:
            return shard.request(shard.requests.publish(channel, body), replies.nothing)
        shard.changes(shard.prefix + b"h:" + raw)
        requests = shard.requests
        if once is None:
            request = requests.send(raw, channel, body, keep, shard.reign)
            return shard.request(request, self._kept(name), requests.scripts.send)
        request = requests.send_once(raw, channel, body, keep, reign=shard.reign, once=as_bytes(once))
        return shard.request(request, self._kept(name), requests.scripts.once)

    def _kept(self, channel: str) -> Callable[[bytes], Position]:
        """What makes a position of a reply, and tells of what it says was dropped."""

        def convert(reply: bytes) -> Position:
            position, dropped = replies.position(reply)
            for limit, count in zip(("history_bytes", "history_channels"), dropped, strict=True):
                if count and self._consumer is not None:
                    self._consumer.history_dropped(limit, count, channel)
            return position

        return convert

    def subscribe(self, channel: str) -> Deferred[Position | None]:
        check_text(channel)
        return self._shards.of(channel).subscriptions.add(channel, False)

    def unsubscribe(self, channel: str) -> Deferred[None]:
        return self._shards.of(channel).subscriptions.discard(channel, False)

    def track(self, channel: str, count: int) -> Deferred[int]:
        check_text(channel)
        if count < 0:
            return fail(ValueError(f"{channel!r} cannot have {count} subscribers"))
        return self._shards.of(channel).leases.track(channel, count)

    def count(self, channel: str) -> Deferred[int]:
        shard = self._shards.of(channel)
        return shard.ask(b"HGET", shard.prefix + b"totals", as_bytes(channel), convert=lambda count: int(count or 0))

    def occupied(self, prefix: str = "") -> Deferred[dict[str, int]]:
        def ask(shard: "Shard") -> Deferred[dict[str, int]]:
            keys = shard.prefix + b"occupied", shard.prefix + b"totals"
            return shard.run(OCCUPIED, keys, (as_bytes(prefix),), replies.counts)

        asked = [ask(shard) for shard in self._shards.all()]
        return gatherResults(asked, consumeErrors=True).addCallbacks(replies.merged, replies.first_error)

    # History.

    def since(self, channel: str, position: Position, limit: int = 0) -> Deferred[list[Publication] | None]:
        shard = self._shards.of(channel)
        keys = shard.history_keys(channel)
        values = as_bytes(position.epoch), b"%d" % position.offset, b"%d" % max(limit, 0), shard.reign, shard.prefix
        request = shard.call(SINCE, keys, values)
        return shard.read(keys[0], request, partial(replies.missed, channel), SINCE)

    def latest(self, channel: str, skip: int, count: int) -> Deferred[list[Publication]]:
        if count < 1:
            return succeed([])
        shard = self._shards.of(channel)
        keys = shard.history_keys(channel)
        request = shard.call(LATEST, keys, (b"%d" % max(skip, 0), b"%d" % count, shard.prefix))
        return shard.read(keys[0], request, partial(replies.newest_first, channel), LATEST)

    def clear(self, channel: str) -> Deferred[bool]:
        shard = self._shards.of(channel)
        keys = shard.history_keys(channel)
        return shard.write(lambda: shard.run(CLEAR, keys, (shard.prefix,), bool))

    def position(self, channel: str, pool: Pool = DEFAULT_POOL) -> Deferred[Position]:
        shard = self._shards.of(channel)
        channels = shard.pool(pool).channels
        values = self._node, as_bytes(pool.name), b"%d" % channels, shard.reign, shard.prefix
        return shard.run(POSITION, shard.history_keys(channel)[1:], values, self._kept(channel))

    # Presence.

    def join(self, channel: str, member: str, holder: str, info: str = "") -> Deferred[bool]:
        check_text(channel, member, holder, info)
        return self._shards.of(channel).leases.join(channel, member, holder, info)

    def leave(self, channel: str, member: str, holder: str) -> Deferred[bool]:
        check_text(channel, member, holder)
        return self._shards.of(channel).leases.leave(channel, member, holder)

    def members(self, channel: str) -> Deferred[dict[str, str]]:
        shard, key = self._at(b"p:", channel)
        return shard.read(key, command(b"HGETALL", key), replies.members)

    def member(self, channel: str, member: str) -> Deferred[str | None]:
        shard, key = self._at(b"p:", channel)
        return shard.ask(b"HGET", key, as_bytes(member), convert=replies.member)

    def member_count(self, channel: str) -> Deferred[int]:
        shard, key = self._at(b"p:", channel)
        return shard.ask(b"HLEN", key)

    def _at(self, kind: bytes, name: str) -> "tuple[Shard, bytes]":
        """What has a key or a channel, and the key's name there."""
        shard = self._shards.of(name)
        return shard, shard.prefix + kind + as_bytes(name)

    def _write(
        self, verb: bytes, shard: "Shard", key: bytes, *values: bytes, convert: Callable[[Any], bool] = bool
    ) -> Deferred[bool]:
        return shard.write(lambda: shard.ask(verb, key, *values, convert=convert), sum(map(len, values)))

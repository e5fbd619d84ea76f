"""Publishing to a Redis Cluster without a reactor."""

from filtered_websocket.messages.envelope import MARK
from filtered_websocket.storage_objects.base import Keep
from filtered_websocket.storage_objects.redis.address import Address
from filtered_websocket.storage_objects.redis.blocking import BlockingConnection
from filtered_websocket.storage_objects.redis.cluster.blocking import Masters
from filtered_websocket.storage_objects.redis.cluster.partitions import SLOTS_OF, partition_of, prefix_of, share_of
from filtered_websocket.storage_objects.redis.command import Script
from filtered_websocket.storage_objects.redis.send_scripts import CLASSIC, SHARDED, keep_values

# A script that declares a key: a master that was cut off, and is heard by few, confirms what is published plainly.
_LUA = "return redis.call('PUBLISH', ARGV[1], ARGV[2])"
CLASSIC_PLAIN = Script(_LUA)
SHARDED_PLAIN = Script(_LUA.replace("PUBLISH", "SPUBLISH"))


class ClusterServers:
    """
    :param seeds: servers of the cluster
    :param prefix: of all keys, with its colon
    """

    def __init__(self, seeds: list[Address], prefix: bytes, timeout: float) -> None:
        self._prefix = prefix
        self._masters = Masters(seeds, timeout)

    def publish(self, channel: bytes, body: bytes, keep: Keep | None, epoch: bytes) -> None:
        partition, name = partition_of(channel), self.name_of(channel)
        prefix = prefix_of(self._prefix, partition)

        def plainly(connection: BlockingConnection) -> None:
            script = SHARDED_PLAIN if _is_sharded(connection) else CLASSIC_PLAIN
            connection.call(script, (name,), (name, MARK + b"\n" + body))

        def kept(connection: BlockingConnection) -> None:
            assert keep is not None
            share = keep._replace(pool=share_of(keep.pool))
            script = (SHARDED if _is_sharded(connection) else CLASSIC).send
            keys = [prefix + b"h:" + channel, prefix + b"e:" + channel, name]
            guards = (prefix + b"beat",)
            connection.run(
                script, keys, lambda reign: [name, body, *keep_values(share, epoch, reign, prefix)], prefix, guards
            )

        self._masters.at(SLOTS_OF[partition], plainly if keep is None else kept)

    def publish_to_bus(self, channel: bytes, data: bytes) -> None:
        # A name of the bus is in no slot: the key is one that never exists.
        key = prefix_of(self._prefix, 0) + b"beat"
        self._masters.at(SLOTS_OF[0], lambda connection: connection.call(CLASSIC_PLAIN, (key,), (channel, data)))

    def nodes(self, channel: bytes) -> int:
        name = self.name_of(channel)

        def count(connection: BlockingConnection) -> int:
            verb = b"SHARDNUMSUB" if _is_sharded(connection) else b"NUMSUB"
            return int(connection.ask(b"PUBSUB", verb, name)[1])

        self._masters.forget()  # one that is no master any more counts too, and counts nobody
        return self._masters.at(SLOTS_OF[partition_of(channel)], count)

    def name_of(self, channel: bytes) -> bytes:
        return prefix_of(self._prefix, partition_of(channel)) + b"c:" + channel

    def close(self) -> None:
        self._masters.close()


def _is_sharded(connection: BlockingConnection) -> bool:
    return connection.knows(b"SPUBLISH")

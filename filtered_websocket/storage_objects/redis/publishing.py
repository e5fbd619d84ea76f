"""Publishing to one Redis, or to the several that channels are spread over, without a reactor."""

from typing import Protocol

from filtered_websocket.errors import StorageAway
from filtered_websocket.messages.envelope import MARK
from filtered_websocket.storage_objects.base import Keep
from filtered_websocket.storage_objects.redis.address import Address, fit
from filtered_websocket.storage_objects.redis.blocking import BlockingConnection
from filtered_websocket.storage_objects.redis.home import count_of_masters
from filtered_websocket.storage_objects.redis.refusals import NotDone, Refused
from filtered_websocket.storage_objects.redis.send_scripts import CLASSIC, keep_values


class Servers(Protocol):
    """Where channels are published: `SingleServers`, or `cluster.publishing.ClusterServers`.

    Names of channels are as storage has them, in UTF-8. What raises StorageAway says whether it is unknown if it was
    done.
    """

    def publish(self, channel: bytes, body: bytes, keep: Keep | None, epoch: bytes) -> None:
        """
        :param body: the publication as an envelope, without its mark
        :param epoch: for a history that begins with it
        """

    def publish_to_bus(self, channel: bytes, data: bytes) -> None: ...

    def nodes(self, channel: bytes) -> int:
        """How many server processes subscribe to it."""

    def name_of(self, channel: bytes) -> bytes:
        """What it is called at Redis."""

    def close(self) -> None: ...


class SingleServers:
    """
    :param addresses: where they are; the first has the bus
    :param prefix: of all keys, with its colon
    """

    def __init__(self, addresses: list[Address], prefix: bytes, timeout: float) -> None:
        self._addresses, self._prefix, self._timeout = addresses, prefix, timeout
        self._connections: dict[Address, BlockingConnection] = {}

    def publish(self, channel: bytes, body: bytes, keep: Keep | None, epoch: bytes) -> None:
        connection, name, prefix = self._of(channel), self.name_of(channel), self._prefix
        if keep is None:
            connection.ask(b"PUBLISH", name, MARK + b"\n" + body)
            return
        keys = [prefix + b"h:" + channel, prefix + b"e:" + channel]
        connection.run(CLASSIC.send, keys, lambda reign: [name, body, *keep_values(keep, epoch, reign, prefix)], prefix)

    def publish_to_bus(self, channel: bytes, data: bytes) -> None:
        self._connection(self._addresses[0]).ask(b"PUBLISH", channel, data)

    def nodes(self, channel: bytes) -> int:
        return int(self._of(channel).ask(b"PUBSUB", b"NUMSUB", self.name_of(channel))[1])

    def name_of(self, channel: bytes) -> bytes:
        return self._address_of(channel).channels(self._prefix) + channel

    def close(self) -> None:
        for connection in self._connections.values():
            connection.close()

    def _address_of(self, channel: bytes) -> Address:
        if len(self._addresses) == 1:
            return self._addresses[0]
        return max(self._addresses, key=lambda address: fit(address, channel))

    def _of(self, channel: bytes) -> BlockingConnection:
        return self._connection(self._address_of(channel))

    def _connection(self, address: Address) -> BlockingConnection:
        connection = self._connections.get(address)
        if connection is None:
            connection = BlockingConnection(address, self._timeout)
            _refuse_cluster(connection)
            self._connections[address] = connection
        return connection


def _refuse_cluster(connection: BlockingConnection) -> None:
    """What is published under names of one Redis is refused by no cluster, and heard by nobody there."""
    address = connection.address
    try:
        masters = count_of_masters(connection.ask(b"CLUSTER", b"SLOTS"))
    except Refused:
        return  # it is none, or does not say
    except NotDone:
        raise
    except StorageAway as lost:
        raise NotDone(f"{str(lost).partition(': it is unknown')[0]}: not done") from None
    if masters > 1:
        connection.close()
        raise NotDone(f"Redis at {address.name} is a Redis Cluster: set redis_cluster: not done")

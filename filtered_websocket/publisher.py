"""Publish to a server's channels from programs without Twisted: Flask, Django, a cron job.

    from filtered_websocket.publisher import Publisher

    Publisher(redis_url="redis://localhost").publish("room", "hi")

It speaks to the Redis that the servers use, by a small blocking connection, or to a Redis Cluster by one to each
master. No reactor runs, none is installed, nothing is subscribed to and no lease is taken: a publisher that dies leaves
nothing behind, and it sweeps no node. Every call blocks until Redis has answered. Thread-safe: calls of several threads
take turns. A process that forks gets connections of its own.
"""

import os
import threading
from collections.abc import Callable, Collection, Mapping
from types import SimpleNamespace
from typing import Any

from filtered_websocket.errors import StorageAway
from filtered_websocket.limits.channel_rules import CHANNELS, rule_for
from filtered_websocket.limits.history_pool import Pool
from filtered_websocket.limits.options import HISTORY_BYTES, HISTORY_CHANNELS
from filtered_websocket.messages.envelope import encode
from filtered_websocket.messages.message import messages
from filtered_websocket.messages.publication import Publication
from filtered_websocket.storage_objects.base import Keep
from filtered_websocket.storage_objects.kept import new_epoch
from filtered_websocket.storage_objects.redis.address import addresses
from filtered_websocket.storage_objects.redis.cluster.publishing import ClusterServers
from filtered_websocket.storage_objects.redis.options import OPTIONS
from filtered_websocket.storage_objects.redis.publishing import Servers, SingleServers
from filtered_websocket.storage_objects.values import as_bytes, as_text

__all__ = ["Publisher", "StorageAway"]


class Publisher:
    """
    :param redis_url: as the servers have it; other options of theirs, such as ``redis_key``, go by their names
    :param pipeline: the first pattern of the pipeline whose channels are meant, "" for that of ``filters``
    :param channels: the servers' option of this name: which channels keep history
    :param history_bytes, history_channels: theirs too: what all histories may take
    :param timeout: seconds that Redis may take to connect and to answer; and in which a Redis Cluster that moves a
        slot, or replaces a master, is asked again for what was surely not done
    :raises TypeError: no such option
    :raises ValueError: a wrong value
    :raises ConfigError: options that exclude each other
    """

    def __init__(
        self,
        redis_url: str = "",
        *,
        pipeline: str = "",
        channels: Mapping[str, Mapping[str, Any]] | None = None,
        history_bytes: int | str = HISTORY_BYTES.default,
        history_channels: int = HISTORY_CHANNELS.default,
        timeout: float = 5.0,
        **redis_options: Any,
    ) -> None:
        known = {option.name: option for option in OPTIONS}
        given = {**redis_options, "redis_url": redis_url}
        if unknown := given.keys() - known.keys():
            raise TypeError(f"there is no option {', '.join(sorted(unknown))}")
        values = {name: option.default for name, option in known.items()}
        for name, value in given.items():
            if value != values[name]:  # not every default is a value: some stand for none
                values[name] = known[name].parse(value)
        options = SimpleNamespace(**values)
        kind = ClusterServers if options.redis_cluster else SingleServers
        found, key = addresses(options), as_bytes(options.redis_key) + b":"
        self._make: Callable[[], Servers] = lambda: kind(found, key, timeout)
        self._prefix = f"{pipeline} " if pipeline else ""
        self._rules: Any = CHANNELS.parse({pattern: dict(rule) for pattern, rule in (channels or {}).items()})
        most, many = HISTORY_BYTES.parse(history_bytes), HISTORY_CHANNELS.parse(history_channels)
        self._pool = Pool(self._prefix + "channels", most, many)
        self._epoch = new_epoch().encode()
        self._forget()

    def publish(
        self,
        channel: str | Collection[str],
        payload: Any,
        *,
        exclude: str | Collection[str] = (),
        binary: bool | None = None,
    ) -> None:
        """Publish to a channel's subscribers on all nodes; of several channels each gets one copy.

        :param payload: one message (str, or bytes: text if they are valid UTF-8), or a list of messages sent together
        :param exclude: an id, or ids, of connections that get nothing
        :param binary: settles the kind of the messages
        :raises StorageAway: Redis has not got it, or it is unknown whether it has: the text says which
        :raises TypeError: a payload that is neither str nor bytes, or a channel's name that is no str
        :raises ValueError: more than an envelope can hold
        """
        batch = messages(payload, binary)
        excluded = frozenset((exclude,) if isinstance(exclude, str) else exclude)
        names = (channel,) if isinstance(channel, str) else tuple(dict.fromkeys(channel))
        for name in names:
            if not isinstance(name, str):
                raise TypeError(f"a channel's name is a str, not {type(name).__name__}")
        for index, name in enumerate(names if batch else ()):
            self._send(name, encode(Publication(name, batch, excluded, None, names[:index])))

    def publish_to_bus(self, channel: str, data: str | bytes) -> None:
        """Publish raw: what the consumer chains of all servers get that have the channel in ``redis_channels``.

        :raises StorageAway: as of `publish`
        """
        with self._turn():
            self._servers.publish_to_bus(as_bytes(channel), as_bytes(data))

    def nodes(self, channel: str) -> int:
        """How many server processes have subscribers of the channel now.

        :raises StorageAway: as of `publish`
        """
        with self._turn():
            return self._servers.nodes(as_bytes(self._prefix + channel))

    def where(self, channel: str) -> str:
        """What the channel is called at Redis, for programs that publish there on their own. Redis is not asked."""
        with self._turn():
            return as_text(self._servers.name_of(as_bytes(self._prefix + channel)))

    def close(self) -> None:
        """Close its connections; the next call opens what it needs."""
        with self._turn():
            self._servers.close()

    def __enter__(self) -> "Publisher":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _send(self, channel: str, body: bytes) -> None:
        keep = Keep.by_rule(rule_for(channel, self._rules), self._pool)
        with self._turn():
            self._servers.publish(as_bytes(self._prefix + channel), body, keep, self._epoch)

    def _turn(self) -> threading.Lock:
        if self._process != os.getpid():
            # The parent's connections are the parent's, and so is its lock, which a thread of its may have held.
            self._forget()
        return self._lock

    def _forget(self) -> None:
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._servers = self._make()

"""The connection by which one Redis is asked: what else its greeting finds out.

Importing this module installs the reactor (txredisapi does).
"""

from collections.abc import Sequence
from typing import Any

import txredisapi
from twisted.internet.defer import Deferred, inlineCallbacks, succeed
from twisted.logger import Logger

from filtered_websocket.errors import ConfigError
from filtered_websocket.storage_objects.redis.command import Script, command
from filtered_websocket.storage_objects.redis.connection import RedisConnection
from filtered_websocket.storage_objects.redis.history_scripts import HISTORY_SCRIPTS
from filtered_websocket.storage_objects.redis.home import GREET, count_of_masters, greeting, home_of, reign_of
from filtered_websocket.storage_objects.redis.lease_scripts import LEASE_SCRIPTS
from filtered_websocket.storage_objects.redis.record_scripts import RECORD_SCRIPTS
from filtered_websocket.storage_objects.redis.send_scripts import CLASSIC
from filtered_websocket.storage_objects.shared_reads import SharedReads

log = Logger()
OTHER_SCRIPTS = (*HISTORY_SCRIPTS, *RECORD_SCRIPTS, *LEASE_SCRIPTS)
SCRIPTS = (GREET, *CLASSIC, *OTHER_SCRIPTS)
CLUSTER_SLOTS = command(b"CLUSTER", b"SLOTS")
INFO = command(b"INFO", b"replication")
WHAT_TO_SET = "set redis_cluster to true"


class CommandConnection(RedisConnection):
    """For everything but subscribing.

    :ivar reads: what is asked in this turn and only reads
    :ivar home: the replication id of its Redis, empty if that may not be asked for
    :ivar reign: the number of the reign that began with that id, as it is written
    """

    uncertain = "positions of before a failover, or a restart of Redis, then say nothing certain of what was missed"
    """What it costs that the replication id may not be asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = SharedReads()
        self.home, self.reign = b"", b"0"

    def flush(self) -> None:
        # What Redis may have answered already is shared no more.
        self.reads.clear()
        super().flush()

    @inlineCallbacks
    def prepare(self) -> Any:
        yield self._look_for_cluster()
        self.load(SCRIPTS)
        yield self.find_home()
        reply = yield self.ask(greeting(self.prefix, self.home), None, GREET)
        self.reign = reign_of(reply, self.prefix, self.address.name)

    @inlineCallbacks
    def _look_for_cluster(self) -> Any:
        try:
            reply = yield self.ask(CLUSTER_SLOTS)
        except txredisapi.ResponseError:  # it is none, or this may not be asked
            return
        masters = count_of_masters(reply)
        if masters > 1:
            raise ConfigError(f"Redis at {self.address.name} is one of a Redis Cluster: {WHAT_TO_SET}")
        if masters:
            self._warn_of_one()

    def _warn_of_one(self) -> None:
        log.warn(
            "Redis at {address} is a Redis Cluster of one master, and serves as a single Redis until it has more:"
            " {what}, which begins without what is stored now",
            address=self.address.name,
            what=WHAT_TO_SET,
        )

    def load(self, scripts: Sequence[Script]) -> None:
        for script in scripts:
            self.ask(command(b"SCRIPT", b"LOAD", script.source)).addErrback(lambda _: None)  # what uses it will tell

    @inlineCallbacks
    def find_home(self) -> Any:
        try:
            self.home = home_of((yield self.ask(INFO)))
            reason = "" if self.home else "INFO names no master_replid"
        except txredisapi.ResponseError as error:
            reason = str(error)
        if reason:
            told = {"address": self.address.name, "reason": reason, "what": self.uncertain}
            log.warn("Redis at {address}: {reason}: {what}", **told)

    def look_home(self) -> Deferred[bool]:
        """Whether its Redis is still in the reign that it was greeted in, as far as can be asked."""
        if not self.home:
            return succeed(True)
        # A replica that has not reached its master yet still has the id of its own reign.
        return self.ask(INFO, lambda info: home_of(info) == self.home and b"role:slave" not in info)

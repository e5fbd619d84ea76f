"""What the model of Redis does with a command."""

from collections.abc import Callable
from random import Random
from typing import Any

from tests.simulation.redis_model.answers import OK, Refusal, Status
from tests.simulation.redis_model.bus import Bus
from tests.simulation.redis_model.commands import hashes, keys, lists, sets, sorted_sets, table
from tests.simulation.redis_model.commands.table import SYNTAX, integer, wrong_number
from tests.simulation.redis_model.keyspace import Keyspace
from tests.simulation.redis_model.replication import Replication, Write
from tests.simulation.redis_model.scripts import Scripts

KINDS = (hashes, keys, lists, sets, sorted_sets)
"""Each has put its commands into the table."""
NO_SCRIPT = "NOSCRIPT No matching script. Please use EVAL."


class Redis:
    """
    :param seed: of its replication ids
    :param microseconds: the time since 1970
    :ivar data: its keys
    :ivar id: the replication id
    """

    def __init__(self, seed: int, microseconds: Callable[[], int]) -> None:
        self._random, self._microseconds = Random(seed), microseconds
        self.data = Keyspace()
        self.bus = Bus()
        self.scripts = Scripts(self._do)
        self.replication = Replication(self.data)
        self._is_repeating = False
        self.id = self._new_id()

    def do(self, parts: list[bytes]) -> Any:
        """The answer to a command.

        :raises Refusal: an error as an answer
        """
        self.data.set_time(self._microseconds())
        before = self.data.changes
        try:
            return self._do(parts)
        finally:
            if self.data.changes != before:
                self.replication.add(Write(self.data.microseconds, parts), self.data)

    def promote(self, lost: int | None) -> None:
        """Have the data of a replica that lacks the last writes, or (None) an empty one, and be another Redis."""
        if lost is None:
            self.data = Keyspace()
        else:
            self.data, writes = self.replication.without(lost)
            self._is_repeating = True
            for write in writes:
                self.data.set_time(write.at)
                try:
                    self._do(write.parts)
                except Refusal:
                    pass  # as it was
            self._is_repeating = False
        self.replication.begin(self.data)
        self.scripts.known.clear()
        self.id = self._new_id()

    def _new_id(self) -> bytes:
        return b"%040x" % self._random.getrandbits(160)

    def _do(self, parts: list[bytes]) -> Any:
        name = parts[0].upper()
        if name in table.COMMANDS:
            return table.run(self.data, parts)
        does = _DOES.get(name)
        if does is None:
            raise table.unknown(parts[0])
        return does(self, name, parts[1:])

    def _publish(self, name: bytes, arguments: list[bytes]) -> int:
        if len(arguments) != 2:
            raise wrong_number(name)
        if self._is_repeating:
            return 0
        return (self.bus.publish if name == b"PUBLISH" else self.bus.publish_in_shard)(*arguments)

    def _evaluate(self, name: bytes, arguments: list[bytes]) -> Any:
        if len(arguments) < 2:
            raise wrong_number(name)
        script, number = arguments[0], integer(arguments[1])
        if number > len(arguments) - 2:
            raise Refusal("ERR Number of keys can't be greater than number of args")
        if number < 0:
            raise Refusal("ERR Number of keys can't be negative")
        if name == b"EVAL":
            sha = self.scripts.load(script)
        else:
            sha = script.lower()
            if sha not in self.scripts.known and not self._is_repeating:
                raise Refusal(NO_SCRIPT)
        return self.scripts.run(sha, arguments[2 : 2 + number], arguments[2 + number :])

    def _script(self, name: bytes, arguments: list[bytes]) -> Any:
        verb = arguments[0].upper() if arguments else b""
        if verb == b"LOAD" and len(arguments) == 2:
            return self.scripts.load(arguments[1])
        if verb == b"FLUSH" and len(arguments) == 1:
            self.scripts.known.clear()
            return OK
        raise Refusal(SYNTAX)

    def _info(self, name: bytes, arguments: list[bytes]) -> bytes:
        return b"# Replication\r\nrole:master\r\nconnected_slaves:0\r\nmaster_replid:%b\r\n" % self.id

    def _count_listeners(self, name: bytes, arguments: list[bytes]) -> list[Any]:
        kinds = {b"NUMSUB": self.bus.channels, b"SHARDNUMSUB": self.bus.shard_channels}
        if not arguments or arguments[0].upper() not in kinds:
            raise Refusal(SYNTAX)
        kind = kinds[arguments[0].upper()]
        return [each for channel in arguments[1:] for each in (channel, len(kind.get(channel, ())))]

    def _ping(self, name: bytes, arguments: list[bytes]) -> bytes:
        return arguments[0] if arguments else Status(b"PONG")

    def _select(self, name: bytes, arguments: list[bytes]) -> bytes:
        if arguments != [b"0"]:
            raise Refusal("ERR DB index is out of range")
        return OK

    def _client(self, name: bytes, arguments: list[bytes]) -> bytes:
        if len(arguments) != 2 or arguments[0].upper() != b"SETNAME":
            raise Refusal(SYNTAX)
        return OK

    def _role(self, name: bytes, arguments: list[bytes]) -> list[Any]:
        return [b"master", self.replication.count, []]

    def _cluster(self, name: bytes, arguments: list[bytes]) -> Any:
        raise Refusal("ERR This instance has cluster support disabled")


_DOES: dict[bytes, Callable[[Redis, bytes, list[bytes]], Any]] = {
    b"CLIENT": Redis._client,
    b"CLUSTER": Redis._cluster,
    b"EVAL": Redis._evaluate,
    b"EVALSHA": Redis._evaluate,
    b"INFO": Redis._info,
    b"PING": Redis._ping,
    b"PUBLISH": Redis._publish,
    b"PUBSUB": Redis._count_listeners,
    b"ROLE": Redis._role,
    b"SCRIPT": Redis._script,
    b"SELECT": Redis._select,
    b"SPUBLISH": Redis._publish,
}
"""Those that need more than the keys."""

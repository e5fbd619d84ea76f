"""A connection to the model: a transport without a socket, and what Redis keeps of each client."""

from collections import deque
from typing import Any, Protocol

import hiredis
from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost
from twisted.python.failure import Failure

from tests.simulation.redis_model.answers import Refusal, encoded
from tests.simulation.redis_model.bus import leave
from tests.simulation.redis_model.commands.table import wrong_number
from tests.simulation.redis_model.redis import Redis

PUBSUB = {
    b"SUBSCRIBE": ("channels", True),
    b"PSUBSCRIBE": ("patterns", True),
    b"SSUBSCRIBE": ("shard_channels", True),
    b"UNSUBSCRIBE": ("channels", False),
    b"PUNSUBSCRIBE": ("patterns", False),
    b"SUNSUBSCRIBE": ("shard_channels", False),
}
"""Which names of the bus each is about, and whether it takes or leaves them."""
NOT_HERE = (
    "ERR Can't execute '%s': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context"
)


class Model(Protocol):
    """The model, as connections see it."""

    redis: Redis
    is_frozen: bool

    @property
    def seconds(self) -> Any: ...


class Way(Protocol):
    """What a connection lies on: `way.Way`."""

    delay: float
    connections: dict["Connection", None]

    @property
    def model(self) -> Model: ...

    def loses(self, name: bytes) -> bool: ...

    def call(self, delay: float, function: Any) -> Any: ...


class Connection:
    """
    :ivar protocol: what is connected there
    :ivar names: what it subscribes to, of each kind
    """

    disconnecting = False
    protocol: Any

    def __init__(self, way: Way) -> None:
        self._way, self._model = way, way.model
        self._reader = hiredis.Reader()
        self._is_open = True
        self._going: deque[tuple[float, bytes]] = deque()
        self._ends: Exception | None = None
        self._timer: Any = None
        self.names: dict[str, dict[bytes, None]] = {"channels": {}, "patterns": {}, "shard_channels": {}}

    # What a protocol calls.

    def write(self, data: bytes) -> None:
        if self._is_open and not self.disconnecting:
            self._reader.feed(data)
            self.read()

    def writeSequence(self, parts: Any) -> None:
        self.write(b"".join(parts))

    def loseConnection(self) -> None:
        self.disconnecting = True
        self.end(ConnectionDone())

    def abortConnection(self) -> None:
        self.end(ConnectionAborted())

    # What the model calls.

    @property
    def listens(self) -> bool:
        return any(self.names.values())

    def read(self) -> None:
        """Do what has come, unless Redis is frozen."""
        while self._is_open and not self._model.is_frozen and (parts := self._reader.gets()) is not False:
            self._answer(parts)

    def tell(self, data: bytes) -> None:
        if self._is_open:
            self._put_off(data)

    def end(self, why: Exception) -> None:
        """It is over, at both ends; what was told and is on its way is lost."""
        if self._is_open:
            self._going.clear()
            if self._timer is not None and self._timer.active():
                self._timer.cancel()
            self._close(why)

    def end_after_all(self) -> None:
        """It is over when what was told has arrived."""
        if self._is_open:
            self._close(ConnectionLost())

    def _close(self, why: Exception) -> None:
        self._is_open = False
        self._ends = why
        self._way.connections.pop(self, None)
        self._model.redis.bus.forget(self)
        self._put_off(b"")

    def _put_off(self, data: bytes) -> None:
        """Have it come, behind what has come before."""
        delay = self._way.delay
        self._going.append((self._model.seconds() + delay, data))
        if len(self._going) == 1:
            self._timer = self._way.call(delay, self._deliver)

    def _deliver(self) -> None:
        """What is due."""
        now, due = self._model.seconds(), []
        while self._going and self._going[0][0] <= now:
            due.append(self._going.popleft()[1])
        if self._going:
            self._timer = self._way.call(self._going[0][0] - now, self._deliver)
        if data := b"".join(due):
            self.protocol.dataReceived(data)
        if self._ends is not None and not self._going:
            why, self._ends = self._ends, None
            self.protocol.connectionLost(Failure(why))

    def _answer(self, parts: list[bytes]) -> None:
        name = parts[0].upper()
        try:
            if name in PUBSUB:
                self._change(name, parts[1:])
                return
            if self.listens:
                if name != b"PING":
                    raise Refusal(NOT_HERE % parts[0].decode().lower())
                answer: Any = [b"pong", parts[1] if len(parts) > 1 else b""]
            else:
                answer = self._model.redis.do(parts)
        except Refusal as refusal:
            answer = refusal
        if self._way.loses(name):
            self.end_after_all()
        else:
            self.tell(encoded(answer))

    def _change(self, name: bytes, named: list[bytes]) -> None:
        kind, takes = PUBSUB[name]
        mine, everyone = self.names[kind], getattr(self._model.redis.bus, kind)
        if takes and not named:
            raise wrong_number(name)
        for each in named or list(mine) or [None]:
            if each is not None and takes:
                mine[each] = everyone.setdefault(each, {})[self] = None
            elif each is not None:
                mine.pop(each, None)
                leave(everyone, each, self)
            self.tell(encoded([name.lower(), each, self._count(kind)]))

    def _count(self, kind: str) -> int:
        """Of sharded channels there is a count of their own."""
        if kind == "shard_channels":
            return len(self.names[kind])
        return len(self.names["channels"]) + len(self.names["patterns"])

"""One connection's session in a protocol of channels: what Pusher's and Pushi's have in common."""

from typing import Any, ClassVar, Generic, Self, TypeVar

from twisted.internet.defer import Deferred, DeferredList
from twisted.python.failure import Failure

from filtered_websocket.chain.deferreds import start
from filtered_websocket.chain.interfaces import Connection, Options
from filtered_websocket.chain.subscriber import Subscriber
from filtered_websocket.errors import StorageAway
from filtered_websocket.filters.shared.channel import Channel
from filtered_websocket.filters.shared.endings import under_way
from filtered_websocket.filters.shared.presence import Steps
from filtered_websocket.limits.rates import Bucket

InChannel = TypeVar("InChannel", bound=Channel[Any])
Fault = TypeVar("Fault", bound=Exception)


class Session(Generic[InChannel, Fault]):
    """What one connection is in, and what it may still send. It is an attribute of the connection.

    :cvar attribute: the attribute's name
    :cvar fault: the exception that says what a client may not do
    :ivar channels: what the connection is subscribed to, by name
    """

    attribute: ClassVar[str]
    fault: type[Fault]

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.channels: dict[str, InChannel] = {}
        self.steps = Steps()
        self._bucket: Bucket | None = None

    def begin(self) -> None:
        """Be the session of the connection."""
        setattr(self.connection, self.attribute, self)

    @classmethod
    def of(cls, connection: Subscriber) -> Self | None:
        """The session of a connection, None if it has none: its app is unknown, and it is being closed."""
        session: Self | None = getattr(connection, cls.attribute, None)
        return session

    @property
    def options(self) -> Options:
        return self.connection.pipeline.options

    def receive(self, payload: bytes | bytearray) -> Deferred[Any] | None:
        """Do what a message says, and tell the client if that may not be done."""
        try:
            step = self.obey(payload)
        except self.fault as error:
            self.refuse(error)
            return None
        return None if step is None else step.addErrback(self._refused)

    def obey(self, payload: bytes | bytearray) -> Deferred[Any] | None:
        """Do what a message says: now, or in a step.

        :raises Exception: `fault`, it may not be done; so may the Deferred fail
        """
        raise NotImplementedError

    def refuse(self, error: Fault) -> None:
        """Tell the client what it may not do."""
        raise NotImplementedError

    def count(self, limit: str) -> None:
        """Count that the client was refused more than an option lets it have; "" is none."""
        if limit:
            self.connection.pipeline.server.counters.count("refused", limit, self.connection.request.peer)

    def _refused(self, failure: Failure) -> None:
        failure.trap(self.fault)
        self.refuse(failure.value)  # type: ignore[arg-type]

    def spend(self, rate: int) -> bool:
        """Whether one more event is within so many per second; 0: any number."""
        if not rate:
            return True
        now = self.connection.pipeline.server.reactor.seconds()
        if self._bucket is None or self._bucket.rate != rate:
            # The first event, or a reload has brought another rate.
            self._bucket = Bucket(rate, rate, now)
        return self._bucket.take(now)

    def end(self) -> Deferred[Any]:
        """Leave everything: the connection has ended. The server's end waits for it."""
        return under_way(start(self._leave_all()), self.connection.pipeline.server)

    async def _leave_all(self) -> None:
        await self.steps.idle()
        channels, self.channels = self.channels, {}
        left = [start(channel.leave()) for channel in channels.values()]
        for success, failure in await DeferredList(left, consumeErrors=True):
            # While the storage is away, its leases see to it that no member stays.
            if not success and not failure.check(StorageAway):
                failure.raiseException()

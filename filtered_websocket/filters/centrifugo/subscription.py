"""One client's place in one channel: what it is told of it, what others see of it there, and how it is left."""

from typing import Any, Protocol

from twisted.internet.defer import Deferred

from filtered_websocket.chain.subscriber import Subscriber
from filtered_websocket.errors import StorageAway
from filtered_websocket.filters.centrifugo.channels import joins_of
from filtered_websocket.filters.centrifugo.envelope import JOIN, LEAVE, Envelope, info_as_text, pack
from filtered_websocket.filters.centrifugo.messages import ClientInfo
from filtered_websocket.filters.centrifugo.namespaces import ChannelOptions
from filtered_websocket.filters.centrifugo.state import State
from filtered_websocket.limits.deadlines import Deadline
from filtered_websocket.messages.publication import Publication


class Subscribed(Protocol):
    """The client, as its subscriptions know it."""

    @property
    def state(self) -> State: ...
    @property
    def connection(self) -> Subscriber: ...
    def info_in(self, channel: str) -> ClientInfo: ...


class Subscription:
    """
    :param options: of the channel, for this client
    :param server_side: the client has not asked for it
    :ivar info: of the client in this channel, as JSON
    :ivar expires: when it ends, in seconds since the epoch; None: never
    :ivar positioned: a gap in what it is sent is told
    :ivar recoverable: the client may come back and get what it missed
    :ivar told_joins: the client is told of others that come and go
    :ivar place: what is in the hub for it, if not the client's connection
    :ivar live: what is published reaches the client
    """

    __slots__ = (
        "announced",
        "catching",
        "channel",
        "client",
        "deadline",
        "expires",
        "info",
        "live",
        "options",
        "place",
        "positioned",
        "present",
        "recoverable",
        "server_side",
        "told_joins",
    )  # fmt: skip

    def __init__(self, client: Subscribed, channel: str, options: ChannelOptions, server_side: bool = False) -> None:
        self.client, self.channel, self.options, self.server_side = client, channel, options, server_side
        self.info = b""
        self.expires: float | None = None
        self.deadline: Deadline | None = None
        self.catching: Any = None
        self.place: Any = None
        self.positioned = self.recoverable = self.told_joins = self.live = self.present = self.announced = False

    @property
    def subscriber(self) -> Subscriber:
        """What is in the hub's channel for it."""
        subscriber: Subscriber = self.place or self.client.connection
        return subscriber

    @property
    def _client_info(self) -> ClientInfo:
        return self.client.info_in(self.channel)

    async def appear(self) -> None:
        """Be among those that are present, before others are told."""
        if self.options.presence:
            self.present = True
            client_id = self.client.connection.id
            storage = self.client.state.storage
            await storage.join(self.channel, client_id, client_id, info_as_text(self._client_info))

    @property
    def is_announced(self) -> bool:
        """Whether there is something for `announce` to do."""
        return self.live and (self.told_joins or self.options.join_leave)

    async def announce(self) -> None:
        """Hear of others that come, and have all hear that this client has."""
        pipeline = self.client.state.pipeline
        joins = joins_of(self.channel)
        if self.told_joins:
            await pipeline.subscribe(joins, self.client.connection)
        if self.options.join_leave and self.live:
            self.announced = True
            await self._tell(JOIN)

    def _tell(self, kind: int) -> Deferred[Any]:
        told = pack(Envelope(self.channel.encode(), kind, info=self._client_info))
        sent: Deferred[Any] = self.client.state.storage.send(Publication(joins_of(self.channel), (told,)))
        return sent

    def leave_hub(self) -> None:
        """Get nothing more that is published. What was published before goes out first."""
        pipeline, connection = self.client.state.pipeline, self.client.connection
        self.live = False
        if self.catching is not None:
            self.catching.cancel()
            self.catching = None
        pipeline.unsubscribe(self.channel, self.subscriber)
        if self.told_joins:
            pipeline.unsubscribe(joins_of(self.channel), connection)
        if self.deadline is not None:
            self.deadline.cancel()

    async def disappear(self) -> bool:
        """Have all hear that this client has gone.

        :returns: whether it is for the caller to tell others; else storage has it told, as of a client whose node died:
            while it is away, too
        """
        if self.present:
            self.present = False
            client_id = self.client.connection.id
            try:
                last = await self.client.state.storage.leave(self.channel, client_id, client_id)
            except StorageAway:
                return False
            if not last:
                return False
        if self.announced:
            self.announced = False
            try:
                await self._tell(LEAVE)
            except StorageAway:
                self.client.state.pipeline.server.counters.count("dropped", "centrifugo: a leave, storage was away")
        return True

"""One client: what application filters get, and what the commands work on."""

from typing import Any

from filtered_websocket.chain.interfaces import Pipeline
from filtered_websocket.chain.request import Request
from filtered_websocket.filters.centrifugo.carriers import Carrier
from filtered_websocket.filters.centrifugo.chains import Chains
from filtered_websocket.filters.centrifugo.codes import Disconnect
from filtered_websocket.filters.centrifugo.encodings import Encoding
from filtered_websocket.filters.centrifugo.events import raw_of
from filtered_websocket.filters.centrifugo.messages import ClientInfo, Message, Push
from filtered_websocket.filters.centrifugo.state import State
from filtered_websocket.filters.centrifugo.subscription import Subscription
from filtered_websocket.filters.shared.presence import Steps
from filtered_websocket.limits.deadlines import Deadline

_NO_CHANNELS: frozenset[str] = frozenset()


class Client:
    """
    :ivar id: a UUID, by which the API and other clients know it
    :ivar user: the id of its user; "" of one that is anonymous
    :ivar info: for others to see, as JSON
    :ivar meta: what its token says for the server alone
    :ivar given: the channels that its token has put it in
    :ivar chains: those that run for it
    :ivar connected: its connect command has been answered
    :ivar present: storage knows of it, for filters that are told of clients that go
    :ivar permit: what was found when it last published to another channel than before
    :ivar publishing: its publications that storage has yet to confirm, and that no command of it waits for
    :ivar renews: it brings a new token when its time is over; else filters of refresh are asked
    :ivar ended: it is sent nothing any more
    :ivar subscriptions: what it is in, by channel
    :ivar deadline: of its connect command, and then of its token
    :ivar steps: what it does in storage, a step after the other
    """

    __slots__ = (
        "chains", "connected", "connection", "deadline", "encoding", "ended", "expires", "given", "info", "meta",
        "permit", "pipeline", "present", "publishing", "renews", "state", "steps", "subscriptions", "user",
    )  # fmt: skip

    def __init__(self, state: State, connection: Carrier, encoding: Encoding) -> None:
        self.state, self.connection, self.encoding = state, connection, encoding
        self.pipeline: Pipeline = state.pipeline
        self.chains: Chains = state.chains
        self.user, self.info = "", b""
        self.meta: Any = None
        self.expires: float | None = None
        self.given = _NO_CHANNELS
        self.deadline: Deadline | None = None
        self.connected = self.present = self.ended = False
        self.renews, self.publishing = True, 0
        self.permit: Any = None
        self.subscriptions: dict[str, Subscription] = {}
        self.steps = Steps()

    @property
    def id(self) -> str:
        return self.connection.id

    @property
    def ping(self) -> int:
        """Every so many seconds it is pinged by a reply, which it answers; 0: it is not."""
        return 0

    @property
    def request(self) -> Request:
        """The HTTP request that it came with."""
        return self.connection.request

    def info_in(self, channel: str) -> ClientInfo:
        """What others see of it in a channel."""
        subscription = self.subscriptions.get(channel)
        return ClientInfo(self.user, self.id, self.info, b"" if subscription is None else subscription.info)

    def reply(self, number: int, name: str, result: Any) -> None:
        """Answer a command.

        :param name: the field of a reply that the result stands in
        """
        if self.ended:
            return
        codec = self.encoding.codec
        try:
            frame = codec.reply(number, name, result)
        except Disconnect as end:
            # It speaks JSON, and is to be sent what is none.
            self.end(end)
            return
        # What was published before may come behind the answer to a publish: that says nothing of it. To have it go out
        # first would have each publisher of a channel flush what this turn has published.
        self.connection.send_encoded(((frame, codec.binary),), name != "publish")

    def push(self, push: Push) -> None:
        """Send what it has not asked for."""
        if self.ended:
            return
        try:
            frame = self.encoding.push(push)
        except Disconnect as end:
            self.end(end)
            return
        self.connection.send_encoded(((frame, self.encoding.codec.binary),))

    def send(self, data: Any) -> None:
        """Send data to this client alone: a JSON value, or bytes as they are.

        :raises TypeError: it is none
        """
        self.push(Push(message=Message(raw_of(data))))

    def disconnect(self, code: int = 3503, reason: str = "") -> None:
        """End the connection."""
        self.end(Disconnect(code, reason))

    def end(self, disconnect: Disconnect) -> None:
        """End the connection, as a signal says."""
        if not self.ended:
            self.ended = True
            self.count(disconnect.limit)
            self.connection.close(disconnect.code, disconnect.reason)

    def count(self, limit: str) -> None:
        """Count that it was refused more than an option lets it have; "" is none."""
        if limit:
            self.pipeline.server.counters.count("refused", limit, self.request.peer)

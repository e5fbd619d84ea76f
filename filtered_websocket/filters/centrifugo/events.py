"""What an application decides: one chain root for each, and what its filters get.

Each filter gets the client and an event, which it may change. ``raise Error(code, message)`` refuses the command,
``raise Disconnect(code, reason)`` ends the connection. While a filter is awaited, only later commands of this client
wait.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from filtered_websocket.chain.registry import FilterBase, FilterMeta
from filtered_websocket.filters.centrifugo.auth import ServerSubscription
from filtered_websocket.filters.centrifugo.namespaces import ChannelOptions
from filtered_websocket.messages.strict_json import dumps, loads


class WithData:
    """An event that carries data: bytes as the client sent them, JSON text unless it speaks protobuf.

    :ivar data: to be changed by JSON values too; bytes are taken as they are
    """

    __slots__ = ()

    data: Any

    @property
    def json(self) -> Any:
        """The data as a JSON value. Raises ValueError: it is none; None where there is no data."""
        return loads(self.data) if self.data else None


def raw_of(value: Any) -> bytes:
    """What a filter gives, as it is embedded: bytes as they are, None as nothing, any other JSON value as JSON.

    :raises TypeError: it is none
    :raises ValueError: neither
    """
    if type(value) is bytes:
        return value
    if value is None:
        return b""
    return bytes(value) if isinstance(value, (bytes, bytearray)) else dumps(value).encode()


@dataclass(slots=True)
class Connect(WithData):
    """A client connects.

    :ivar token: as it was sent; what it says has been checked
    :ivar headers: what the client would have HTTP headers be; not to be trusted
    :ivar user: the id of its user, by its token; None: there is no token, and a filter may say
    :ivar info: of the client, for other clients to see: JSON
    :ivar expires: when the connection ends, in seconds since the epoch
    :ivar channels: what it is put in
    :ivar meta: what the token says for the server alone
    :ivar reply: data that it is answered with
    """

    token: str
    data: Any
    name: str
    version: str
    headers: Mapping[str, str]
    user: str | None
    info: Any = b""
    expires: float | None = None
    channels: dict[str, ServerSubscription] = field(default_factory=dict)
    meta: Any = None
    reply: Any = None


@dataclass(slots=True)
class Refresh:
    """A client has brought a new token, which has been checked; or the time is over of one that has connected without.

    :ivar token: "" where there is none: its connection ends, unless a filter says that it `expires` later
    :ivar user: whose it is; that of another user ends the connection
    """

    token: str
    user: str
    info: Any
    expires: float | None


@dataclass(slots=True)
class Subscribe(WithData):
    """A client wants into a channel.

    :ivar token: as it was sent; what it says has been checked
    :ivar allowed: whether its token, the channel's name or its options let it in: a filter may say otherwise
    :ivar info: of the client in this channel: JSON
    :ivar reply: data that it is answered with
    :ivar options: of the channel, for this subscription
    """

    channel: str
    token: str
    data: Any
    allowed: bool
    options: ChannelOptions
    info: Any = b""
    expires: float | None = None
    reply: Any = None


@dataclass(slots=True)
class SubRefresh:
    """A client has brought a new subscription token, which has been checked."""

    channel: str
    token: str
    info: Any
    expires: float | None


@dataclass(slots=True)
class Publish(WithData):
    """A client publishes.

    :ivar allowed: whether the channel's options let it: a filter may say otherwise
    :ivar tags: that the publication has
    :ivar skip_history: it is not kept
    """

    channel: str
    data: Any
    allowed: bool
    tags: dict[str, str] = field(default_factory=dict)
    skip_history: bool = False


@dataclass(slots=True)
class RPC(WithData):
    """A client calls a method. What a filter returns is the answer: bytes, or any JSON value but None."""

    method: str
    data: Any


@dataclass(slots=True)
class Send(WithData):
    """A client sends what is answered by nothing."""

    data: Any


@dataclass(slots=True)
class Unsubscribe:
    """A client has left a channel, however: once.

    :ivar code: 0: it said so; 2000, 2500, 2501: the server did; 3000 and up: the connection has ended
    """

    channel: str
    code: int
    reason: str


@dataclass(slots=True)
class Disconnected:
    """A client that was connected has gone.

    :ivar code: of the close frame
    :ivar channels: that it was in; not known of one whose node has died
    """

    code: int
    reason: str
    channels: Collection[str]


class CentrifugoConnectFilter(FilterBase, metaclass=FilterMeta):
    """A client connects. Gets it, and `Connect`."""


class CentrifugoRefreshFilter(FilterBase, metaclass=FilterMeta):
    """A client has brought a new token, or the time of one without a token is over. Gets it, and `Refresh`."""


class CentrifugoSubscribeFilter(FilterBase, metaclass=FilterMeta):
    """A client wants into a channel. Gets it, and `Subscribe`."""


class CentrifugoSubRefreshFilter(FilterBase, metaclass=FilterMeta):
    """A client has brought a new subscription token. Gets it, and `SubRefresh`."""


class CentrifugoPublishFilter(FilterBase, metaclass=FilterMeta):
    """A client publishes. Gets it, and `Publish`."""


class CentrifugoRPCFilter(FilterBase, metaclass=FilterMeta):
    """A client calls a method. Gets it, and `RPC`; what it returns is the answer.

    :cvar method: the method that it is for, or a tuple of several; None: all
    """

    method: ClassVar[str | tuple[str, ...] | None] = None


class CentrifugoSendFilter(FilterBase, metaclass=FilterMeta):
    """A client sends something. Gets it, and `Send`."""


class CentrifugoUnsubscribeFilter(FilterBase, metaclass=FilterMeta):
    """A client has left a channel. Gets it, and `Unsubscribe`. What it raises is logged, and changes nothing."""


class CentrifugoDisconnectFilter(FilterBase, metaclass=FilterMeta):
    """A client has gone. Gets it, and `Disconnected`. What it raises is logged, and changes nothing."""

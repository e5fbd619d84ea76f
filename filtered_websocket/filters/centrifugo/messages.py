"""The messages of Centrifugo's protocol: their fields, with the numbers that these have in protobuf.

This is the one place where a field stands. What JSON and protobuf need to know is read from here (`schema`).

``Raw`` is bytes: on JSON they are JSON text that is embedded as it is, on protobuf any bytes. A field of value zero is
not written, unless ``ALWAYS`` stands with it. What is optional and a message is None where it is absent.
"""

from collections.abc import Mapping
from typing import Annotated, NamedTuple

ALWAYS = "always"
"""Written on JSON whatever its value."""

OWN, OTHERS = "own", "others"
"""Where bytes may be no JSON though the client speaks JSON: what is its own ends its connection (3506), what others see
of it they get as null."""

U32, U64, I32, I64 = "uint32", "uint64", "int32", "int64"
"""The kinds of integers."""

Raw = bytes

NOTHING: Mapping[str, str] = {}


class ErrorResult(NamedTuple):
    code: Annotated[int, 1, U32] = 0
    message: Annotated[str, 2] = ""
    temporary: Annotated[bool, 3] = False


class StreamPosition(NamedTuple):
    offset: Annotated[int, 1, U64] = 0
    epoch: Annotated[str, 2] = ""


class ClientInfo(NamedTuple):
    user: Annotated[str, 1, ALWAYS] = ""
    client: Annotated[str, 2, ALWAYS] = ""
    conn_info: Annotated[Raw, 3, OTHERS] = b""
    chan_info: Annotated[Raw, 4, OTHERS] = b""


class Publication(NamedTuple):
    data: Annotated[Raw, 4] = b""
    info: Annotated[ClientInfo | None, 5] = None
    offset: Annotated[int, 6, U64] = 0
    tags: Annotated[Mapping[str, str], 7] = NOTHING
    delta: Annotated[bool, 8] = False
    time: Annotated[int, 9, I64] = 0
    channel: Annotated[str, 10] = ""
    epoch: Annotated[str, 14] = ""


class FilterNode(NamedTuple):
    op: Annotated[str, 1] = ""
    key: Annotated[str, 2] = ""
    cmp: Annotated[str, 3] = ""
    val: Annotated[str, 4] = ""
    vals: Annotated[tuple[str, ...], 5] = ()
    nodes: "Annotated[tuple[FilterNode, ...], 6]" = ()


# Pushes.


class Join(NamedTuple):
    info: Annotated[ClientInfo | None, 1] = None


class Leave(NamedTuple):
    info: Annotated[ClientInfo | None, 1] = None


class Unsubscribe(NamedTuple):
    code: Annotated[int, 2, U32] = 0
    reason: Annotated[str, 3] = ""


class Message(NamedTuple):
    data: Annotated[Raw, 1, OWN] = b""


class Subscribe(NamedTuple):
    recoverable: Annotated[bool, 1] = False
    epoch: Annotated[str, 4] = ""
    offset: Annotated[int, 5, U64] = 0
    positioned: Annotated[bool, 6] = False
    data: Annotated[Raw, 7, OWN] = b""


class Disconnected(NamedTuple):
    code: Annotated[int, 1, U32] = 0
    reason: Annotated[str, 2] = ""
    reconnect: Annotated[bool, 3] = False


class Refresh(NamedTuple):
    expires: Annotated[bool, 1] = False
    ttl: Annotated[int, 2, U32] = 0


# Requests and results.


class SubscribeRequest(NamedTuple):
    channel: Annotated[str, 1] = ""
    token: Annotated[str, 2] = ""
    recover: Annotated[bool, 3] = False
    epoch: Annotated[str, 6] = ""
    offset: Annotated[int, 7, U64] = 0
    data: Annotated[Raw, 8] = b""
    positioned: Annotated[bool, 9] = False
    recoverable: Annotated[bool, 10] = False
    join_leave: Annotated[bool, 11] = False
    delta: Annotated[str, 12] = ""
    tf: Annotated[FilterNode | None, 13] = None
    flag: Annotated[int, 14, I64] = 0
    type: Annotated[int, 15, I32] = 0


class SubscribeResult(NamedTuple):
    expires: Annotated[bool, 1] = False
    ttl: Annotated[int, 2, U32] = 0
    recoverable: Annotated[bool, 3] = False
    epoch: Annotated[str, 6] = ""
    publications: Annotated[tuple[Publication, ...], 7] = ()
    recovered: Annotated[bool, 8] = False
    offset: Annotated[int, 9, U64] = 0
    positioned: Annotated[bool, 10] = False
    data: Annotated[Raw, 11, OWN] = b""
    was_recovering: Annotated[bool, 12] = False
    delta: Annotated[bool, 13] = False


class ConnectRequest(NamedTuple):
    token: Annotated[str, 1] = ""
    data: Annotated[Raw, 2] = b""
    subs: Annotated[Mapping[str, SubscribeRequest], 3] = {}
    name: Annotated[str, 4] = ""
    version: Annotated[str, 5] = ""
    headers: Annotated[Mapping[str, str], 6] = NOTHING


class ConnectResult(NamedTuple):
    client: Annotated[str, 1] = ""
    version: Annotated[str, 2] = ""
    expires: Annotated[bool, 3] = False
    ttl: Annotated[int, 4, U32] = 0
    data: Annotated[Raw, 5, OWN] = b""
    subs: Annotated[Mapping[str, SubscribeResult], 6] = {}
    ping: Annotated[int, 7, U32] = 0
    pong: Annotated[bool, 8] = False
    session: Annotated[str, 9] = ""
    node: Annotated[str, 10] = ""
    time: Annotated[int, 11, I64] = 0


class RefreshRequest(NamedTuple):
    token: Annotated[str, 1] = ""


class RefreshResult(NamedTuple):
    client: Annotated[str, 1] = ""
    version: Annotated[str, 2] = ""
    expires: Annotated[bool, 3] = False
    ttl: Annotated[int, 4, U32] = 0


class SubRefreshRequest(NamedTuple):
    channel: Annotated[str, 1] = ""
    token: Annotated[str, 2] = ""


class SubRefreshResult(NamedTuple):
    expires: Annotated[bool, 1] = False
    ttl: Annotated[int, 2, U32] = 0


class UnsubscribeRequest(NamedTuple):
    channel: Annotated[str, 1] = ""


class UnsubscribeResult(NamedTuple):
    pass


class PublishRequest(NamedTuple):
    channel: Annotated[str, 1] = ""
    data: Annotated[Raw, 2] = b""


class PublishResult(NamedTuple):
    pass


class PresenceRequest(NamedTuple):
    channel: Annotated[str, 1] = ""


class PresenceResult(NamedTuple):
    presence: Annotated[Mapping[str, ClientInfo], 1, ALWAYS] = {}


class PresenceStatsRequest(NamedTuple):
    channel: Annotated[str, 1] = ""


class PresenceStatsResult(NamedTuple):
    num_clients: Annotated[int, 1, U32, ALWAYS] = 0
    num_users: Annotated[int, 2, U32, ALWAYS] = 0


class HistoryRequest(NamedTuple):
    channel: Annotated[str, 1] = ""
    limit: Annotated[int, 7, I32] = 0
    since: Annotated[StreamPosition | None, 8] = None
    reverse: Annotated[bool, 9] = False


class HistoryResult(NamedTuple):
    publications: Annotated[tuple[Publication, ...], 1, ALWAYS] = ()
    epoch: Annotated[str, 2, ALWAYS] = ""
    offset: Annotated[int, 3, U64, ALWAYS] = 0


class PingRequest(NamedTuple):
    pass


class SendRequest(NamedTuple):
    data: Annotated[Raw, 1] = b""


class RPCRequest(NamedTuple):
    data: Annotated[Raw, 1] = b""
    method: Annotated[str, 2] = ""


class RPCResult(NamedTuple):
    data: Annotated[Raw, 1, OWN] = b""


# What frames hold.


class Command(NamedTuple):
    """A message of a client: an id and one request; without both it is a pong."""

    id: Annotated[int, 1, U32] = 0
    connect: Annotated[ConnectRequest | None, 4] = None
    subscribe: Annotated[SubscribeRequest | None, 5] = None
    unsubscribe: Annotated[UnsubscribeRequest | None, 6] = None
    publish: Annotated[PublishRequest | None, 7] = None
    presence: Annotated[PresenceRequest | None, 8] = None
    presence_stats: Annotated[PresenceStatsRequest | None, 9] = None
    history: Annotated[HistoryRequest | None, 10] = None
    ping: Annotated[PingRequest | None, 11] = None
    send: Annotated[SendRequest | None, 12] = None
    rpc: Annotated[RPCRequest | None, 13] = None
    refresh: Annotated[RefreshRequest | None, 14] = None
    sub_refresh: Annotated[SubRefreshRequest | None, 15] = None


class Push(NamedTuple):
    channel: Annotated[str, 2] = ""
    pub: Annotated[Publication | None, 4] = None
    join: Annotated[Join | None, 5] = None
    leave: Annotated[Leave | None, 6] = None
    unsubscribe: Annotated[Unsubscribe | None, 7] = None
    message: Annotated[Message | None, 8] = None
    subscribe: Annotated[Subscribe | None, 9] = None
    connect: Annotated[ConnectResult | None, 10] = None
    disconnect: Annotated[Disconnected | None, 11] = None
    refresh: Annotated[Refresh | None, 12] = None


class Reply(NamedTuple):
    """A message of the server: what a command is answered with, or a push; with nothing in it a ping."""

    id: Annotated[int, 1, U32] = 0
    error: Annotated[ErrorResult | None, 2] = None
    push: Annotated[Push | None, 4] = None
    connect: Annotated[ConnectResult | None, 5] = None
    subscribe: Annotated[SubscribeResult | None, 6] = None
    unsubscribe: Annotated[UnsubscribeResult | None, 7] = None
    publish: Annotated[PublishResult | None, 8] = None
    presence: Annotated[PresenceResult | None, 9] = None
    presence_stats: Annotated[PresenceStatsResult | None, 10] = None
    history: Annotated[HistoryResult | None, 11] = None
    rpc: Annotated[RPCResult | None, 13] = None
    refresh: Annotated[RefreshResult | None, 14] = None
    sub_refresh: Annotated[SubRefreshResult | None, 15] = None


class EmulationRequest(NamedTuple):
    node: Annotated[str, 1] = ""
    session: Annotated[str, 2] = ""
    data: Annotated[Raw, 3] = b""

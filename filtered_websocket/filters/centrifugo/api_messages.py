"""The requests of the server API, and the results that are the API's own: JSON alone, so the numbers mean nothing."""

from collections.abc import Mapping
from typing import Annotated, NamedTuple

from filtered_websocket.filters.centrifugo.messages import ALWAYS, I32, I64, NOTHING, U32, U64, Raw, StreamPosition


class Publish(NamedTuple):
    channel: Annotated[str, 1] = ""
    data: Annotated[Raw, 2] = b""
    b64data: Annotated[str, 3] = ""
    skip_history: Annotated[bool, 4] = False
    tags: Annotated[Mapping[str, str], 5] = NOTHING
    idempotency_key: Annotated[str, 6] = ""
    delta: Annotated[bool, 7] = False
    version: Annotated[int, 8, U64] = 0
    version_epoch: Annotated[str, 9] = ""


class Broadcast(NamedTuple):
    channels: Annotated[tuple[str, ...], 1] = ()
    data: Annotated[Raw, 2] = b""
    b64data: Annotated[str, 3] = ""
    skip_history: Annotated[bool, 4] = False
    tags: Annotated[Mapping[str, str], 5] = NOTHING
    idempotency_key: Annotated[str, 6] = ""
    delta: Annotated[bool, 7] = False
    version: Annotated[int, 8, U64] = 0
    version_epoch: Annotated[str, 9] = ""


class Subscribe(NamedTuple):
    user: Annotated[str, 1] = ""
    channel: Annotated[str, 2] = ""
    info: Annotated[Raw, 3] = b""
    b64info: Annotated[str, 4] = ""
    data: Annotated[Raw, 5] = b""
    b64data: Annotated[str, 6] = ""
    client: Annotated[str, 7] = ""
    session: Annotated[str, 8] = ""
    recover_since: Annotated[StreamPosition | None, 9] = None
    override: Annotated[Raw, 10] = b""
    expire_at: Annotated[int, 11, I64] = 0


class Unsubscribe(NamedTuple):
    user: Annotated[str, 1] = ""
    channel: Annotated[str, 2] = ""
    client: Annotated[str, 3] = ""
    session: Annotated[str, 4] = ""


class DisconnectCode(NamedTuple):
    code: Annotated[int, 1, U32] = 0
    reason: Annotated[str, 2] = ""


class Disconnect(NamedTuple):
    user: Annotated[str, 1] = ""
    disconnect: Annotated[DisconnectCode | None, 2] = None
    client: Annotated[str, 3] = ""
    session: Annotated[str, 4] = ""
    whitelist: Annotated[tuple[str, ...], 5] = ()


class Refresh(NamedTuple):
    user: Annotated[str, 1] = ""
    client: Annotated[str, 2] = ""
    session: Annotated[str, 3] = ""
    expired: Annotated[bool, 4] = False
    expire_at: Annotated[int, 5, I64] = 0
    info: Annotated[Raw, 6] = b""


class OfChannel(NamedTuple):
    """Presence, its figures, and history_remove."""

    channel: Annotated[str, 1] = ""


class History(NamedTuple):
    channel: Annotated[str, 1] = ""
    limit: Annotated[int, 2, I32] = 0
    since: Annotated[StreamPosition | None, 3] = None
    reverse: Annotated[bool, 4] = False


class Batch(NamedTuple):
    """What a batch says beside its commands."""

    parallel: Annotated[bool, 2] = False


class Channels(NamedTuple):
    pattern: Annotated[str, 1] = ""


class Info(NamedTuple):
    pass


class RPC(NamedTuple):
    method: Annotated[str, 1] = ""
    params: Annotated[Raw, 2] = b""


# Results.


class Nothing(NamedTuple):
    pass


class PublishResult(NamedTuple):
    offset: Annotated[int, 1, U64] = 0
    epoch: Annotated[str, 2] = ""


class ChannelInfo(NamedTuple):
    num_clients: Annotated[int, 1, U32, ALWAYS] = 0


class ChannelsResult(NamedTuple):
    channels: Annotated[Mapping[str, ChannelInfo], 1, ALWAYS] = {}


class NodeInfo(NamedTuple):
    uid: Annotated[str, 1] = ""
    name: Annotated[str, 2] = ""
    version: Annotated[str, 3] = ""
    num_clients: Annotated[int, 4, U32, ALWAYS] = 0
    num_users: Annotated[int, 5, U32, ALWAYS] = 0
    num_channels: Annotated[int, 6, U32, ALWAYS] = 0
    uptime: Annotated[int, 7, U32, ALWAYS] = 0
    num_subs: Annotated[int, 8, U32, ALWAYS] = 0


class InfoResult(NamedTuple):
    nodes: Annotated[tuple[NodeInfo, ...], 1, ALWAYS] = ()

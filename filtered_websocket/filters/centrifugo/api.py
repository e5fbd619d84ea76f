"""The server API: each of its methods, from a request to a result. HTTP is `rest`'s.

It asks for no permission, and looks at no name but its namespace. What is to be done with clients is told to all nodes.
"""

import base64
import binascii
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from filtered_websocket.errors import StorageAway
from filtered_websocket.filters.centrifugo import api_messages as requests
from filtered_websocket.filters.centrifugo import reading
from filtered_websocket.filters.centrifugo.codes import (
    BAD_REQUEST,
    INTERNAL,
    METHOD_NOT_FOUND,
    NOT_AVAILABLE,
    Disconnect,
    Error,
)
from filtered_websocket.filters.centrifugo.envelope import Envelope, pack
from filtered_websocket.filters.centrifugo.globs import Glob
from filtered_websocket.filters.centrifugo.json_reader import embedded
from filtered_websocket.filters.centrifugo.messages import HistoryRequest
from filtered_websocket.filters.centrifugo.once import Version, publish_once, publish_version
from filtered_websocket.filters.centrifugo.overrides import read_override
from filtered_websocket.filters.centrifugo.publishing import send
from filtered_websocket.filters.centrifugo.state import State
from filtered_websocket.filters.shared.tokens import BadToken
from filtered_websocket.messages.publication import Position
from filtered_websocket.messages.strict_json import loads

_NOTHING = requests.Nothing()


def _data(given: bytes, encoded: str) -> tuple[bytes, bool]:
    """What is published or embedded, and whether it is JSON.

    :raises Error: 107, it is no base64
    """
    if encoded:
        try:
            found = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            raise Error(BAD_REQUEST) from None
        as_json = embedded(found)
        return (found, False) if as_json is None else (found, True)
    return (embedded(given) or b"" if given else b""), bool(given)


async def publish(state: State, request: requests.Publish) -> requests.PublishResult:
    data, is_json = _data(request.data, request.b64data)
    if not request.channel or (not data and not request.b64data):
        raise Error(BAD_REQUEST)
    options = state.namespaces.of(request.channel)
    delta = request.delta or options.delta_publish
    message = pack(Envelope(data, is_json=is_json, delta=delta, tags=request.tags))

    async def publish_as(name: str | None = None) -> requests.PublishResult:
        key, skip = request.idempotency_key, request.skip_history
        if key:
            position = await publish_once(
                state, request.channel, options, message, key=key, name=name, skip_history=skip
            )
        else:
            position = await send(state, request.channel, options, message, skip, once=name)
        return _at(position)

    if not request.version or not options.keeps_history:
        return await publish_as()
    version = Version(request.version, request.version_epoch)
    published = await publish_version(state, request.channel, options, version, publish_as)
    return _at(await state.position(request.channel, options)) if published is None else published


def _at(position: Position | None) -> requests.PublishResult:
    return requests.PublishResult() if position is None else requests.PublishResult(position.offset, position.epoch)


async def broadcast(state: State, request: requests.Broadcast) -> "Responses":
    if not request.channels:
        raise Error(BAD_REQUEST)
    found: list[Any] = []
    for channel in request.channels:
        try:
            found.append(await publish(state, requests.Publish(channel, *request[1:])))
        except Error as error:
            found.append(error)
        except StorageAway:
            state.pipeline.server.counters.count("refused", "the storage object is away")
            found.append(Error(INTERNAL))
    return Responses(found)


class Responses(list[Any]):
    """A result, or an error, for each channel of a broadcast."""


async def subscribe(state: State, request: requests.Subscribe) -> requests.Nothing:
    _check_channel(state, request.channel)
    since = request.recover_since
    try:
        override = read_override(loads(request.override) if request.override else None)
    except (BadToken, ValueError):
        raise Error(BAD_REQUEST) from None
    await state.nodes.tell_all(
        "subscribe",
        user=request.user,
        channel=request.channel,
        client=request.client,
        session=request.session,
        info=_text(_data(request.info, request.b64info)[0]),
        data=_text(_data(request.data, request.b64data)[0]),
        override=list(override),
        expire_at=request.expire_at,
        since=None if since is None else [since.offset, since.epoch],
    )
    return _NOTHING


async def unsubscribe(state: State, request: requests.Unsubscribe) -> requests.Nothing:
    _check_channel(state, request.channel)
    await state.nodes.tell_all("unsubscribe", **request._asdict())
    return _NOTHING


async def disconnect(state: State, request: requests.Disconnect) -> requests.Nothing:
    code, reason = request.disconnect or (0, "")
    if code and not 3000 <= code <= 4999:
        raise Error(BAD_REQUEST)
    values = request._asdict() | {"disconnect": None, "code": code, "reason": reason}
    await state.nodes.tell_all("disconnect", **values)
    return _NOTHING


async def refresh(state: State, request: requests.Refresh) -> requests.Nothing:
    values = request._asdict() | {"info": _text(_data(request.info, "")[0])}
    if 0 < request.expire_at <= time.time():
        values["expired"] = True
    await state.nodes.tell_all("refresh", **values)
    return _NOTHING


async def presence(state: State, request: requests.OfChannel) -> Any:
    return await reading.presence(state, request.channel, _check_channel(state, request.channel))


async def presence_stats(state: State, request: requests.OfChannel) -> Any:
    return await reading.presence_stats(state, request.channel, _check_channel(state, request.channel))


async def history(state: State, request: requests.History) -> Any:
    asked = HistoryRequest(*request)
    try:
        found = await reading.history(state, request.channel, _check_channel(state, request.channel), asked)
    except Disconnect:
        raise Error(NOT_AVAILABLE, "not available: what the channel keeps is no JSON") from None
    # The first has its epoch for clients, which may have begun to listen before there was any.
    return found._replace(publications=tuple([each._replace(epoch="") for each in found.publications]))


async def history_remove(state: State, request: requests.OfChannel) -> requests.Nothing:
    if not _check_channel(state, request.channel).keeps_history:
        raise Error(NOT_AVAILABLE)
    await state.storage.clear(request.channel)
    # Nor may a node give what it remembers of it.
    await state.nodes.tell_all("history_remove", channel=request.channel)
    return _NOTHING


async def channels(state: State, request: requests.Channels) -> requests.ChannelsResult:
    try:
        Glob(request.pattern)
    except ValueError:
        raise Error(BAD_REQUEST) from None
    counts: dict[str, int] = {}
    for answer in (await state.nodes.ask_all("channels", pattern=request.pattern)).values():
        for name, count in answer.items():
            counts[name] = counts.get(name, 0) + count
    return requests.ChannelsResult({name: requests.ChannelInfo(count) for name, count in sorted(counts.items())})


async def info(state: State, request: requests.Info) -> requests.InfoResult:
    answers = await state.nodes.ask_all("info")
    return requests.InfoResult(tuple(requests.NodeInfo(uid, **about) for uid, about in sorted(answers.items())))


async def rpc(state: State, request: requests.RPC) -> Any:
    raise Error(METHOD_NOT_FOUND)


def _check_channel(state: State, channel: str) -> Any:
    """The options of a channel.

    :raises Error: 107, none is named; 102, there is no such namespace
    """
    if not channel:
        raise Error(BAD_REQUEST)
    return state.namespaces.of(channel)


def _text(data: bytes) -> str:
    """Bytes as the nodes tell them each other in JSON."""
    return data.decode("latin-1")


Method = Callable[[State, Any], Awaitable[Any]]
METHODS: Mapping[str, tuple[Any, Method]] = {
    "publish": (requests.Publish, publish),
    "broadcast": (requests.Broadcast, broadcast),
    "subscribe": (requests.Subscribe, subscribe),
    "unsubscribe": (requests.Unsubscribe, unsubscribe),
    "disconnect": (requests.Disconnect, disconnect),
    "refresh": (requests.Refresh, refresh),
    "presence": (requests.OfChannel, presence),
    "presence_stats": (requests.OfChannel, presence_stats),
    "history": (requests.History, history),
    "history_remove": (requests.OfChannel, history_remove),
    "channels": (requests.Channels, channels),
    "info": (requests.Info, info),
    "rpc": (requests.RPC, rpc),
}
"""By name: the class of its request, and what it does."""

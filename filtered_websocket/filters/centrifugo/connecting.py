"""The commands connect and refresh: whose client it is, for how long, and what the server puts it in."""

from collections.abc import Callable, Mapping

from twisted.logger import Logger
from twisted.python.failure import Failure

from filtered_websocket import __version__
from filtered_websocket.chain.outcomes import CANCELLED
from filtered_websocket.filters.centrifugo import auth
from filtered_websocket.filters.centrifugo.auth import ServerSubscription
from filtered_websocket.filters.centrifugo.client import Client
from filtered_websocket.filters.centrifugo.codes import (
    BAD_COMMAND,
    CHANNEL_LIMIT,
    CONNECTION_EXPIRED,
    CONNECTION_LIMIT,
    DENIED,
    EXPIRED,
    INSUFFICIENT_STATE,
    INVALID_TOKEN,
    TOKEN_EXPIRED,
    Disconnect,
    Error,
)
from filtered_websocket.filters.centrifugo.entering import Wish, enter
from filtered_websocket.filters.centrifugo.events import (
    CentrifugoConnectFilter,
    CentrifugoDisconnectFilter,
    CentrifugoRefreshFilter,
    Connect,
    Refresh,
    raw_of,
)
from filtered_websocket.filters.centrifugo.json_reader import whole
from filtered_websocket.filters.centrifugo.messages import (
    ConnectRequest,
    ConnectResult,
    RefreshRequest,
    RefreshResult,
    SubscribeRequest,
    SubscribeResult,
)
from filtered_websocket.filters.centrifugo.subscribing import draft, may_enter
from filtered_websocket.filters.centrifugo.wire import Malformed

_log = Logger()
VERSION = f"{__version__} filtered_websocket"


async def connect(client: Client, request: ConnectRequest, answer: Callable[[ConnectResult], None]) -> None:
    """Let a client in.

    :param answer: called with the result, before anything else goes out
    :raises Error: it may try again later; 110, what it may connect by has ended
    :raises Disconnect: it may not connect
    """
    options = client.pipeline.options
    event = _event(request, client)
    expires = event.expires
    if event.user is None and not request.token:
        event.user = client.connection.user  # as a filter in front of the pack says
    if event.channels:
        client.given = frozenset(event.channels)
    chains = client.chains
    if chains.of(CentrifugoConnectFilter):
        await chains.ask(CentrifugoConnectFilter, client, event)
    if event.user is None:
        if not (options.centrifugo_allow_anonymous or options.centrifugo_insecure):
            raise Disconnect(BAD_COMMAND)
        event.user = ""
    _check_room(client, event.user)
    if client.state.is_past(event.expires):
        # Its token was good when it came: the client may bring another.
        raise Error(TOKEN_EXPIRED if event.expires == expires else EXPIRED)
    client.user, client.info, client.meta = whole(event.user), raw_of(event.info), event.meta
    if client.connection.user != (event.user or None):
        client.connection.user = event.user or None
    client.expires = None if options.centrifugo_insecure else event.expires
    client.renews = bool(request.token) or not chains.of(CentrifugoRefreshFilter)
    channels = event.channels | _own_channels(client, request, event.channels)
    if len(channels) > options.centrifugo_channel_limit:
        raise Disconnect(CHANNEL_LIMIT, limit="centrifugo_channel_limit")
    wishes = []
    for channel, given in channels.items():
        wishes.append(_wish(client, channel, given, request.subs))
        client.subscriptions[channel] = wishes[-1].subscription
    reply = raw_of(event.reply)

    def answered(results: Mapping[str, SubscribeResult]) -> None:
        # Others of this user may have come while this one waited for storage.
        _check_room(client, client.user)
        client.connected = True
        client.state.enter(client)
        expires, ping = client.expires, client.ping
        result = ConnectResult(client.id, VERSION, data=reply, subs=results, ping=ping, pong=ping > 0)
        if expires is not None and client.renews:
            result = result._replace(expires=True, ttl=client.state.ttl(expires))
        answer(result)

    if client.user and options.centrifugo_user_channel and options.centrifugo_user_single:
        await client.state.nodes.tell_all("disconnect", user=client.user, code=CONNECTION_LIMIT, whitelist=[client.id])
    if chains.of(CentrifugoDisconnectFilter):
        await client.state.departures.appear(client)
    if wishes:
        await enter(client, wishes, answered)
    else:
        answered({})
    watch_expiry(client)


def _check_room(client: Client, user: str) -> None:
    """
    :raises Disconnect: 3504, the user has as many connections as may be
    """
    most = client.pipeline.options.centrifugo_user_connection_limit
    if user and most and len(client.state.users.get(user, ())) >= most:
        raise Disconnect(CONNECTION_LIMIT, limit="centrifugo_user_connection_limit")


def _event(request: ConnectRequest, client: Client) -> Connect:
    event = Connect(request.token, request.data, request.name, request.version, request.headers, None)
    if request.token:
        claims = auth.read_connection(request.token, client.state.verifier)
        if not claims.user and client.pipeline.options.centrifugo_disallow_anonymous_tokens:
            raise Disconnect(DENIED)
        event.user, event.info, event.expires, event.meta = claims.user, claims.info, claims.expires, claims.meta
        event.channels = dict(claims.channels)
    return event


def _own_channels(
    client: Client, request: ConnectRequest, given: Mapping[str, ServerSubscription]
) -> dict[str, ServerSubscription]:
    """What the client is put in beside what its token says: the channel of its user, and what it asks for."""
    options, namespaces = client.pipeline.options, client.state.namespaces
    if not request.subs and not client.user:
        return {}
    names = []
    if options.centrifugo_user_channel and client.user:
        namespace = options.centrifugo_user_channel_namespace
        names.append(f"{namespace}:#{client.user}" if namespace else f"#{client.user}")
    for channel in request.subs:
        try:
            of_channel = namespaces.of(channel)
        except Error:
            raise Malformed("there is no such namespace") from None
        try:
            namespaces.check_length(channel)
            namespaces.check_name(channel, of_channel)
        except Error:
            continue
        if may_enter(client, channel, of_channel):
            names.append(channel)
    return {name: ServerSubscription() for name in names if name not in given}


def _wish(client: Client, channel: str, given: ServerSubscription, asked: Mapping[str, SubscribeRequest]) -> Wish:
    """
    :raises Error: 102, there is no such namespace
    """
    options = given.override.of(client.state.namespaces.of(channel))
    said = asked.get(channel, SubscribeRequest())
    request = SubscribeRequest(channel, recover=said.recover, epoch=said.epoch, offset=said.offset, delta=said.delta)
    subscription = draft(client, request, options, server_side=True)
    subscription.info = given.info
    return Wish(subscription, request, given.data)


def watch_expiry(client: Client) -> None:
    """End a connection when its token has expired, and no other was brought."""
    if client.deadline is not None:
        client.deadline.cancel()
        client.deadline = None
    if client.expires is None or client.ended:
        return
    ends = client.expires + (client.pipeline.options.centrifugo_expired_delay if client.renews else 0)
    if client.state.now() < ends:
        client.deadline = client.state.call_at(ends, lambda: watch_expiry(client))
    elif client.renews:
        client.disconnect(CONNECTION_EXPIRED)
    else:
        client.steps.take(_renew(client)).addErrback(lambda failure: _not_renewed(client, failure))


async def _renew(client: Client) -> None:
    """Ask the application whether a client that it has let in without a token may stay."""
    assert client.expires is not None
    event = Refresh("", client.user, client.info, client.expires)
    await client.chains.ask(CentrifugoRefreshFilter, client, event)
    _take(client, event)
    await show(client)


def _not_renewed(client: Client, failure: Failure) -> None:
    if failure.check(Disconnect):
        client.end(failure.value)  # type: ignore[arg-type]  # what it is
    else:
        client.disconnect(CONNECTION_EXPIRED)
        if not failure.check(Error, *CANCELLED):
            _log.failure("a client could not be renewed", failure)


async def show(client: Client) -> None:
    """Have presence show what its info has become."""
    for subscription in tuple(client.subscriptions.values()):
        if subscription.present:
            await subscription.appear()
    if client.present:
        await client.state.departures.appear(client)


def _take(client: Client, event: Refresh) -> None:
    """Take what a token, or a filter, says of how long a client may stay.

    :raises Disconnect: it may not
    """
    if event.user != client.user:
        raise Disconnect(INVALID_TOKEN)
    if client.state.is_past(event.expires):
        raise Disconnect(CONNECTION_EXPIRED)
    client.info = raw_of(event.info) or client.info
    client.expires = None if client.pipeline.options.centrifugo_insecure else event.expires
    watch_expiry(client)


async def refresh(client: Client, request: RefreshRequest) -> RefreshResult:
    """Take a new token for the connection."""
    if not request.token:
        raise Malformed("a refresh without a token")
    try:
        claims = auth.read_connection(request.token, client.state.verifier)
    except Error:
        raise Disconnect(CONNECTION_EXPIRED) from None
    if claims.user != client.user:
        raise Disconnect(INVALID_TOKEN)
    if claims.channels.keys() != client.given:
        # It comes again, and into the channels of its new token.
        raise Disconnect(INSUFFICIENT_STATE)
    event = Refresh(request.token, claims.user, claims.info, claims.expires)
    await client.chains.ask(CentrifugoRefreshFilter, client, event)
    client.renews = True
    _take(client, event)
    await show(client)
    if client.expires is None:
        return RefreshResult()
    return RefreshResult(expires=True, ttl=client.state.ttl(client.expires))

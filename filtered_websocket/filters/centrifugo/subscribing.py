"""The commands subscribe, unsubscribe and sub_refresh. What is wrong is found in the original's order."""

from collections.abc import Callable, Mapping

from filtered_websocket.filters.centrifugo import auth
from filtered_websocket.filters.centrifugo.auth import Subscribing
from filtered_websocket.filters.centrifugo.client import Client
from filtered_websocket.filters.centrifugo.codes import (
    ALREADY_SUBSCRIBED,
    BAD_REQUEST,
    EXPIRED,
    INVALID_TOKEN,
    LIMIT_EXCEEDED,
    NOT_AVAILABLE,
    PERMISSION_DENIED,
    SUBSCRIPTION_EXPIRED,
    TOKEN_EXPIRED,
    Disconnect,
    Error,
)
from filtered_websocket.filters.centrifugo.entering import Wish, enter
from filtered_websocket.filters.centrifugo.events import (
    CentrifugoSubRefreshFilter,
    CentrifugoSubscribeFilter,
    SubRefresh,
    Subscribe,
    raw_of,
)
from filtered_websocket.filters.centrifugo.leaving import forget, leave, watch_expiry
from filtered_websocket.filters.centrifugo.messages import (
    SubRefreshRequest,
    SubRefreshResult,
    SubscribeRequest,
    SubscribeResult,
    UnsubscribeRequest,
    UnsubscribeResult,
)
from filtered_websocket.filters.centrifugo.namespaces import ChannelOptions, is_private, users_of
from filtered_websocket.filters.centrifugo.places import DeltaPlace, FilteredPlace
from filtered_websocket.filters.centrifugo.subscription import Subscription
from filtered_websocket.filters.centrifugo.tags_filter import compiled
from filtered_websocket.filters.centrifugo.wire import DELTA_TYPES, Malformed

NEWER = {1: PERMISSION_DENIED, 2: PERMISSION_DENIED, 3: PERMISSION_DENIED}
"""Kinds of subscriptions that this protocol has not: maps; whatever comes behind them is not available."""

_NOTHING_SAID = Subscribing()


async def subscribe(client: Client, request: SubscribeRequest, answer: Callable[[SubscribeResult], None]) -> None:
    """Let a client into a channel.

    :param answer: called with the result, before anything of the channel goes out
    :raises Error: it may not
    """
    channel = request.channel
    options = check(client, request)
    claims = _claims(client, request)
    allowed = claims is not None or may_enter(client, channel, options)
    said = claims or _NOTHING_SAID
    event = Subscribe(channel, request.token, request.data, allowed, said.override.of(options), said.info, said.expires,
                      said.data)  # fmt: skip
    chains = client.chains
    if chains.of(CentrifugoSubscribeFilter):
        await chains.ask(CentrifugoSubscribeFilter, client, event)
    if not event.allowed:
        raise Error(PERMISSION_DENIED)
    if client.state.is_past(event.expires):
        # Its token was good when it came: the client may bring another.
        raise Error(TOKEN_EXPIRED if event.expires == said.expires else EXPIRED)
    subscription = draft(client, request, event.options)
    subscription.info, subscription.expires = raw_of(event.info), event.expires
    client.subscriptions[channel] = subscription

    def answered(results: Mapping[str, SubscribeResult]) -> None:
        if channel in results:
            answer(results[channel])

    try:
        await enter(client, [Wish(subscription, request, raw_of(event.reply))], answered)
    except BaseException:
        forget(client, subscription)
        await subscription.disappear()
        raise
    watch_expiry(client, subscription)


def check(client: Client, request: SubscribeRequest) -> ChannelOptions:
    """See whether there can be such a subscription.

    :raises Error: there cannot
    :raises Malformed: no client asks for it
    """
    channel, namespaces = request.channel, client.state.namespaces
    if request.delta and request.delta not in DELTA_TYPES:
        raise Malformed("an unknown type of deltas")
    subscribed = channel in client.subscriptions
    if subscribed or len(client.subscriptions) >= client.pipeline.options.centrifugo_channel_limit:
        namespaces.check_length(channel)
        if subscribed:
            raise Error(ALREADY_SUBSCRIBED)
        raise Error(LIMIT_EXCEEDED, limit="centrifugo_channel_limit")
    try:
        options = namespaces.checked(channel)
    except Error:
        namespaces.check_length(channel)
        raise
    if request.type:
        raise Error(NEWER.get(request.type, NOT_AVAILABLE))
    if request.tf is not None and not options.allow_tags_filter:
        raise Error(BAD_REQUEST)
    return options


def _claims(client: Client, request: SubscribeRequest) -> Subscribing | None:
    """What the request's token says; None: it has none. A token is judged where none is needed, too."""
    if not request.token:
        return None
    return auth.read_subscription(
        request.token, client.state.subscription_verifier, request.channel, client.user, client.connection.id
    )


def may_enter(client: Client, channel: str, options: ChannelOptions) -> bool:
    """Whether a client may subscribe without a token."""
    if is_private(channel):
        return False
    if client.pipeline.options.centrifugo_insecure:
        return True
    users = users_of(channel) if options.allow_user_limited_channels else None
    if users is not None:
        return client.user in users
    return options.allow_subscribe_for_client and (client.user != "" or options.allow_subscribe_for_anonymous)


def draft(
    client: Client, request: SubscribeRequest, options: ChannelOptions, server_side: bool = False
) -> Subscription:
    """A subscription as the channel's options and the request have it; the client is not in it yet.

    :raises Error: 107, its filter of tags is none
    """
    subscription = Subscription(client, request.channel, options, server_side)

    def sees(what: str) -> bool:
        return client.pipeline.options.centrifugo_insecure or options.may(what, client.user, True)

    if options.keeps_history:
        subscription.recoverable = options.force_recovery or (
            request.recoverable and (options.allow_recovery or sees("history"))
        )
        subscription.positioned = (
            subscription.recoverable
            or options.force_positioning
            or (request.positioned and (options.allow_positioning or sees("history")))
        )
    if request.tf is not None:
        try:
            subscription.place = FilteredPlace(client, compiled(request.tf))
        except ValueError:
            raise Error(BAD_REQUEST) from None
    elif request.delta in options.allowed_delta_types:
        subscription.place = DeltaPlace(client)
    subscription.told_joins = options.force_push_join_leave or (request.join_leave and sees("presence"))
    return subscription


async def unsubscribe(client: Client, request: UnsubscribeRequest) -> UnsubscribeResult:
    """Let a client leave a channel, if it is in it."""
    subscription = client.subscriptions.get(request.channel)
    if subscription is not None:
        await leave(client, subscription, 0, "client unsubscribe")
    return UnsubscribeResult()


async def sub_refresh(client: Client, request: SubRefreshRequest) -> SubRefreshResult:
    """Take a new token for a subscription."""
    subscription = client.subscriptions.get(request.channel)
    if subscription is None:
        raise Error(PERMISSION_DENIED)
    if subscription.server_side:
        raise Malformed("a subscription of the server's is not refreshed so")
    if not request.token:
        raise Error(BAD_REQUEST)
    try:
        claims = auth.read_subscription(
            request.token, client.state.subscription_verifier, request.channel, client.user, client.connection.id
        )
    except Error as error:
        if error.code == PERMISSION_DENIED:
            raise Disconnect(INVALID_TOKEN) from None
        raise Disconnect(SUBSCRIPTION_EXPIRED) from None
    event = SubRefresh(request.channel, request.token, claims.info, claims.expires)
    await client.chains.ask(CentrifugoSubRefreshFilter, client, event)
    if client.state.is_past(event.expires):
        raise Disconnect(SUBSCRIPTION_EXPIRED)
    subscription.info, subscription.expires = raw_of(event.info), event.expires
    watch_expiry(client, subscription)
    if subscription.present:
        await subscription.appear()  # with the info that it has now
    if subscription.expires is None:
        return SubRefreshResult()
    return SubRefreshResult(True, client.state.ttl(subscription.expires))

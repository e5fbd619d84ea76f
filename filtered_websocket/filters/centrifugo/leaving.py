"""How a client leaves channels: it gets nothing more at once, and what others see of it follows, a step in storage."""

from typing import Any

from twisted.internet.defer import Deferred

from filtered_websocket.filters.centrifugo.client import Client
from filtered_websocket.filters.centrifugo.codes import (
    BY_EXPIRY,
    BY_INSUFFICIENT_STATE,
    INSUFFICIENT_STATE,
    SUBSCRIPTION_EXPIRED,
    UNSUBSCRIBED,
)
from filtered_websocket.filters.centrifugo.events import CentrifugoUnsubscribeFilter
from filtered_websocket.filters.centrifugo.events import Unsubscribe as Left
from filtered_websocket.filters.centrifugo.messages import Push, Unsubscribe
from filtered_websocket.filters.centrifugo.subscription import Subscription


async def leave(client: Client, subscription: Subscription, code: int = 0, reason: str = "") -> None:
    """Leave a channel, and have all know that do: other clients, and the application."""
    forget(client, subscription)
    if await subscription.disappear():
        event = Left(subscription.channel, code, reason)
        await client.chains.tell(CentrifugoUnsubscribeFilter, client, event)


def forget(client: Client, subscription: Subscription) -> None:
    """The client is in this channel no more, as far as this node is concerned."""
    subscription.leave_hub()
    if client.subscriptions.get(subscription.channel) is subscription:
        del client.subscriptions[subscription.channel]


def unsubscribe(client: Client, subscription: Subscription, code: int, reason: str = "") -> Deferred[Any]:
    """End a subscription that the client may still want, and tell it: behind the answer to its command, if it waits."""
    if not subscription.live:
        return client.steps.take(_when_answered(client, subscription, code, reason))
    reason = reason or UNSUBSCRIBED.get(code, "unsubscribed")
    forget(client, subscription)
    client.push(Push(subscription.channel, unsubscribe=Unsubscribe(code, reason)))
    return client.steps.take(leave(client, subscription, code, reason))


async def _when_answered(client: Client, subscription: Subscription, code: int, reason: str) -> None:
    if subscription.live:
        unsubscribe(client, subscription, code, reason)


def lack(client: Client, subscription: Subscription) -> None:
    """Something of a channel is missing for a client that wants to know."""
    if subscription.server_side:
        client.disconnect(INSUFFICIENT_STATE)
    else:
        unsubscribe(client, subscription, BY_INSUFFICIENT_STATE)


def watch_expiry(client: Client, subscription: Subscription) -> None:
    """End a subscription when its token has expired, and no other was brought."""
    if subscription.deadline is not None:
        subscription.deadline.cancel()
        subscription.deadline = None
    if subscription.expires is None or client.subscriptions.get(subscription.channel) is not subscription:
        return
    ends = subscription.expires + client.pipeline.options.centrifugo_expired_delay
    if client.state.now() < ends:
        subscription.deadline = client.state.call_at(ends, lambda: watch_expiry(client, subscription))
    elif subscription.server_side:
        client.disconnect(SUBSCRIPTION_EXPIRED)
    else:
        unsubscribe(client, subscription, BY_EXPIRY)

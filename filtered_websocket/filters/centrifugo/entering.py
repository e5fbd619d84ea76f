"""How a client gets into channels: what it missed is found first, then one answer is written, then all goes live.

Nothing of a channel is written before the answer, and nothing is missing behind it: the core holds back what is
published while `answer` runs. A client is present before its answer, and announced behind it.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from filtered_websocket.errors import StorageAway
from filtered_websocket.filters.centrifugo.client import Client
from filtered_websocket.filters.centrifugo.codes import INAPPROPRIATE, UNRECOVERABLE, Disconnect, Error
from filtered_websocket.filters.centrifugo.encodings import publication_of
from filtered_websocket.filters.centrifugo.envelope import Envelope, is_json, unpack
from filtered_websocket.filters.centrifugo.leaving import lack
from filtered_websocket.filters.centrifugo.messages import SubscribeRequest, SubscribeResult
from filtered_websocket.filters.centrifugo.places import DeltaPlace, FilteredPlace
from filtered_websocket.filters.centrifugo.subscription import Subscription
from filtered_websocket.messages.publication import MAX_OFFSET, Position, Publication
from filtered_websocket.messages.recovery import LEFT, Recovery

REJECT_UNRECOVERED = 2
"""A flag of a request: rather an error than a subscription of which something is missing."""


class Wish(NamedTuple):
    """A client's wish to get into one channel.

    :ivar request: what it says of where it stands
    :ivar data: what it is answered with
    """

    subscription: Subscription
    request: SubscribeRequest
    data: bytes = b""

    @property
    def recovers(self) -> bool:
        """Whether what the client missed is looked for."""
        subscription = self.subscription
        return subscription.recoverable and (
            self.request.recover or (subscription.options.auto_cache_recover and self.caches)
        )

    @property
    def caches(self) -> bool:
        """Whether what the client wants is the newest publication."""
        return self.subscription.recoverable and self.subscription.options.force_recovery_mode == "cache"


Answer = Callable[[dict[str, SubscribeResult]], None]


async def enter(client: Client, wishes: Sequence[Wish], answer: Answer) -> None:
    """Get into channels.

    :param answer: called once, with the result for each channel, before anything of them goes out
    :raises Error: 112, what was missed cannot be had, and the client would rather have none: nothing was answered
    """
    if len(wishes) == 1 and _enter_now(client, wishes[0], answer):
        if wishes[0].subscription.is_announced:
            await _announce(client, wishes[0].subscription)
        return
    catching = []
    for wish in wishes:
        await wish.subscription.appear()
        wish.subscription.catching = await _catch_up(client, wish)
        catching.append(wish.subscription.catching)

    def answered(recoveries: Sequence[Recovery]) -> None:
        results: dict[str, SubscribeResult] = {}
        for wish, recovery in zip(wishes, recoveries, strict=True):
            if recovery.reason != LEFT:
                results[wish.subscription.channel] = _result(client, wish, recovery)
                wish.subscription.live = True
        answer(results)

    client.pipeline.join_all(catching, answered)
    for wish in wishes:
        wish.subscription.catching = None
        if wish.subscription.is_announced:
            await _announce(client, wish.subscription)


def _enter_now(client: Client, wish: Wish, answer: Answer) -> bool:
    """Get into a channel of which nothing is missed, if that can be without waiting; whether it was."""
    subscription = wish.subscription
    if subscription.options.presence or wish.recovers:
        return False

    def answered(recovery: Recovery) -> None:
        result = _result(client, wish, recovery)
        subscription.live = True
        answer({subscription.channel: result})

    return client.pipeline.join_now(
        subscription.channel,
        subscription.subscriber,
        answered,
        insufficient=_insufficient(client, subscription),
        keep=client.state.keep_of(subscription.options),
    )


async def _announce(client: Client, subscription: Subscription) -> None:
    """Have others hear of a client. It has its answer: what fails now is no second one, but has it come again."""
    try:
        await subscription.announce()
    except StorageAway:
        # It may have left while it waited.
        if subscription.live:
            lack(client, subscription)


def _insufficient(client: Client, subscription: Subscription) -> Callable[[object], object] | None:
    """What is called when something of a channel is missing for a client that wants to know."""
    return (lambda _: lack(client, subscription)) if subscription.positioned else None


async def _catch_up(client: Client, wish: Wish) -> Any:
    subscription = wish.subscription
    since, last = None, None
    if wish.caches and wish.recovers:
        # For a client that filters by tags the newest that it wants is looked for.
        filters = isinstance(subscription.place, FilteredPlace)
        last = subscription.options.history_size if filters else 1
    elif wish.recovers:
        since = await _position(client, wish)
    return await client.pipeline.catch_up(
        subscription.channel,
        subscription.subscriber,
        since,
        last=last,
        insufficient=_insufficient(client, subscription),
        keep=client.state.keep_of(subscription.options),
    )


async def _position(client: Client, wish: Wish) -> Position:
    """Where the client stands, by what it says; an empty epoch is the present one."""
    epoch, offset = wish.request.epoch, min(wish.request.offset, MAX_OFFSET)
    if not epoch:
        epoch = (await client.state.position(wish.subscription.channel, wish.subscription.options)).epoch
    return Position(epoch, offset)


def _result(client: Client, wish: Wish, recovery: Recovery) -> SubscribeResult:
    """
    :raises Error: 112, the client wants to have missed nothing
    :raises Disconnect: 3506, it speaks JSON, and what it missed is none
    """
    subscription, request = wish.subscription, wish.request
    expires, position = subscription.expires, recovery.position
    if not subscription.positioned:
        position = None
    result = SubscribeResult(
        expires is not None,
        0 if expires is None else client.state.ttl(expires),
        recoverable=position is not None and subscription.recoverable,
        positioned=position is not None,
        epoch="" if position is None else position.epoch,
        offset=0 if position is None else position.offset,
        data=wish.data,
        was_recovering=request.recover,
        delta=isinstance(subscription.place, DeltaPlace),
    )
    if position is None or not (wish.recovers or recovery.publications):
        return result
    stands = request.offset > 0 and (request.epoch, request.offset) == position
    found = _given(client, wish, () if wish.caches and stands else recovery.publications)
    recovered = (stands or bool(found)) and wish.recovers if wish.caches else recovery.recovered
    if wish.recovers and not recovered and not wish.caches and request.flag & REJECT_UNRECOVERED:
        raise Error(UNRECOVERABLE)
    return result._replace(
        offset=_begin(recovery, position) if recovered and not wish.caches else position.offset,
        recovered=recovered,
        publications=tuple(map(publication_of, found)),
    )


def _begin(recovery: Recovery, position: Position) -> int:
    """The offset that a client counts on from: where it stood, or less, if storage has lost what it had seen there."""
    first = recovery.publications[0].position if recovery.publications else None
    return position.offset if first is None else first.offset - 1


def _given(client: Client, wish: Wish, publications: Sequence[Publication]) -> Sequence[Envelope]:
    """What the client gets of what it missed.

    :raises Disconnect: 3506, it speaks JSON, and that is none
    """
    messages = [message for each in publications for message in each.messages]
    if not client.encoding.codec.binary and not all(map(is_json, messages)):
        raise Disconnect(INAPPROPRIATE)
    envelopes, place = [unpack(each) for each in messages], wish.subscription.place
    found = envelopes if place is None else place.given(envelopes)
    return found[-1:] if wish.caches else found

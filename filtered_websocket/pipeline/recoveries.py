"""Subscribers that come back to channels: each is given what it missed and joins, in one step.

Rules:

1. Nothing is kept for one client. It waits until this node's tail of the channel (`tail.Tail`) reaches back to where it
   stands. Then it is given what the tail holds behind that, and joins the channel in the same turn, with nothing
   between. What follows comes live. So nothing comes twice, and nothing is skipped.
2. "Recovered" is said of what is proven only: everything between the client's position and this node's is there, in one
   epoch.
3. While a client waits, its node follows the channel.
"""

from collections.abc import Callable, Container, Iterable, Sequence
from functools import partial

from twisted.internet.defer import Deferred, fail

from filtered_websocket.chain.channels import Insufficient
from filtered_websocket.chain.deferreds import DONE, start
from filtered_websocket.chain.subscriber import Subscriber
from filtered_websocket.messages.publication import Position
from filtered_websocket.messages.recovery import Recovery
from filtered_websocket.pipeline.answers import Answers
from filtered_websocket.pipeline.catching_up import CatchingUp
from filtered_websocket.pipeline.consumer import Consumer
from filtered_websocket.pipeline.following import Following
from filtered_websocket.pipeline.past import Past
from filtered_websocket.pipeline.positioned import Positioned
from filtered_websocket.pipeline.returning import Here, Recovered, Returning
from filtered_websocket.pipeline.subscriptions import refusal
from filtered_websocket.storage_objects.base import BaseStorageObject, Keep


class Recoveries:
    """One pipeline's."""

    def __init__(
        self, pipeline: Recovered, storage: BaseStorageObject, following: Following, consumer: Consumer
    ) -> None:
        self._pipeline, self._following, self._consumer = pipeline, following, consumer
        self._server, self._hub, self._tails = pipeline.server, pipeline.hub, pipeline.hub.tails
        self._tails.lost, self._tails.moved = self._lost, self._moved
        past = Past(storage, pipeline.prefix, self._server.reactor)
        self._here = Here(pipeline, storage, consumer, past, self._tails)
        self._channels: dict[str, Returning] = {}
        self.positioned = Positioned(pipeline.server.counters)
        self.relied_on: Container[str] = self.positioned.channels
        self._moving: set[str] = set()
        self._answers = Answers(pipeline, self._channels, self.positioned)

    def recover(
        self,
        channel: str,
        subscriber: Subscriber,
        since: Position | None = None,
        *,
        last: int | None = None,
        answer: Callable[[Recovery], object] | None = None,
        hand_out: bool = False,
        insufficient: Insufficient | None = None,
        keep: Keep | None = None,
    ) -> Deferred[Recovery]:
        """Give a subscriber what it missed, and let it join.

        :param since: where it stands
        :param last: how many of the newest it gets if it does not say, or if what it missed cannot be had
        :param answer: called before it joins, in the same turn, with nothing of the channel before it or in between. It
            takes the place of handing the subscriber what it missed, unless that is to be handed out behind it
        :param insufficient: called when something of the channel is missing for this node and cannot be had, before
            anything behind that is delivered
        :param keep: that of what sends on this channel, where it is not by the option ``channels``
        :returns: fires when it has joined
        """

        def caught(catching: CatchingUp) -> Recovery:
            given: list[Recovery] = []

            def tell(answers: list[Recovery]) -> None:
                given.extend(answers)
                if answer is not None and not catching.left:
                    answer(answers[0])
                if (answer is None or hand_out) and not catching.left:
                    self._answers.deliver(catching)

            self.join_all([catching], tell)
            return given[0]

        try:
            catching = CatchingUp(channel, subscriber, since, last, insufficient=insufficient, leave=self._leave)
            recovery = catching.caught.addCallback(caught)
            self._enter(catching, keep)
        except (TypeError, ValueError) as error:
            recovery = fail(error)
        return self._server.counters.watch(recovery, "subscribe")

    def catch_up(
        self,
        channel: str,
        subscriber: Subscriber,
        since: Position | None = None,
        *,
        last: int | None = None,
        insufficient: Insufficient | None = None,
        keep: Keep | None = None,
    ) -> Deferred[CatchingUp]:
        """The first half of `recover`: fires when the subscriber can be answered and join, by `join_all`."""
        try:
            catching = CatchingUp(channel, subscriber, since, last, insufficient=insufficient, leave=self._leave)
            self._enter(catching, keep)
        except (TypeError, ValueError) as error:
            return self._server.counters.watch(fail(error), "subscribe")
        return self._server.counters.watch(catching.caught, "subscribe")

    def _enter(self, catching: CatchingUp, keep: Keep | None) -> None:
        """
        :raises ValueError: the subscriber may not, or does so already
        """
        channel, subscriber, hub = catching.channel, catching.subscriber, self._hub
        refused = refusal(self._pipeline, channel, subscriber, self._server.counters)
        if refused is not None:
            raise refused
        if self._find(channel, subscriber) is not None:
            raise ValueError("what this subscriber has missed is being looked for already")
        returning, is_first, confirmed = self._channels.get(channel), channel not in hub.channels, None
        if returning is not None and (former := returning.clients.get(subscriber.id)) is not None:
            former.leave()  # one that comes with the id of another takes its place
            returning = self._channels.get(channel)
        if returning is None:
            returning = Returning(channel, self._here, keep)
            self._channels[channel], hub.recovering[channel] = returning, returning.clients
            confirmed = (self._following.begin if is_first else self._following.confirmed)(channel)
        returning.clients[subscriber.id] = catching
        self.positioned.remove(channel, subscriber)
        hub.leave(channel, subscriber)
        if isinstance(subscriber.channels, frozenset):  # a connection's, until it is in its first
            subscriber.channels = set()
        subscriber.channels.add(channel)
        if confirmed is None or (confirmed is DONE and channel in self._tails):
            returning.is_ready = returning.is_ready or confirmed is not None
            returning.serve([catching])
        else:
            start(returning.prepare(confirmed, is_first))

    def join_all(self, clients: Sequence[CatchingUp], answer: Callable[[list[Recovery]], object]) -> None:
        """The second half: answer subscribers that have caught up, and let them join, in one step.

        :param answer: called with one for each, in this order; of what is published meanwhile nothing goes out before
            all have joined. One that has left has the reason `LEFT`, and does not join
        """

        def answered() -> Iterable[tuple[str, Subscriber]]:
            answer([self._answers.of(each) for each in clients])
            return [(each.channel, each.subscriber) for each in clients if not each.left]

        try:
            self._hub.join_behind([each.channel for each in clients], answered)
        except BaseException:
            for each in clients:
                self.leave(each.channel, each.subscriber)
            raise
        for each in clients:
            if not each.left:
                self._answers.count(each)
                if self._channels[each.channel].keep is not None:
                    self.positioned.add(each.channel, each.subscriber, each.insufficient, each.since is not None)
                self._remove(each)

    def waits(self, channel: str, subscriber: Subscriber) -> Deferred[None] | None:
        """Fires when a subscriber has joined that comes back to a channel; None if it does not.

        One that comes with its id takes its place: an id is a client's identity.
        """
        returning = self._channels.get(channel)
        client = None if returning is None else returning.clients.get(subscriber.id)
        if client is None:
            return None
        if client.subscriber is not subscriber:
            client.subscriber.channels.discard(channel)
            client.subscriber = subscriber
            subscriber.channels.add(channel)
        joined: Deferred[None] = Deferred()
        client.others.append(joined)
        return joined

    def leave(self, channel: str, subscriber: Subscriber) -> None:
        """A subscriber does not come back, or is in a channel no more."""
        self.positioned.remove(channel, subscriber)
        client = self._find(channel, subscriber)
        if client is not None:
            client.leave()

    def _leave(self, client: CatchingUp) -> None:
        """It comes back no more."""
        client.subscriber.channels.discard(client.channel)
        self._remove(client)

    def gap(self, channel: str, position: Position | None) -> None:
        """Storage has lost something of a channel for this node: this comes behind what it has consumed before.

        :param position: where this node stands now; None if nobody knows
        """
        self._consumer.in_order(partial(self._lost, channel, position), channel)

    def _lost(self, channel: str, position: Position | None) -> None:
        if self._tails.is_stale(channel):
            return
        self._tails.stand_anew(channel, position)
        self.positioned.tell(channel, position)
        for tell in self._pipeline.gaps:
            tell(channel, position)
        returning = self._channels.get(channel)
        if returning is not None:
            if position is None:
                returning.lose()
            self._moved(channel)

    def _moved(self, channel: str) -> None:
        """A channel that somebody waits on has moved on, as far as this turn goes."""
        if not self._moving:
            self._server.at_turn_end(self._serve_moved)
        self._moving.add(channel)

    def _serve_moved(self) -> None:
        moving, self._moving = self._moving, set()
        for channel in moving:
            returning = self._channels.get(channel)
            if returning is not None:
                returning.serve()

    def _find(self, channel: str, subscriber: Subscriber) -> CatchingUp | None:
        """A subscriber that comes back to a channel."""
        returning = self._channels.get(channel)
        client = None if returning is None else returning.clients.get(subscriber.id)
        return client if client is not None and client.subscriber is subscriber else None

    def _remove(self, client: CatchingUp) -> None:
        """It waits no more."""
        channel = client.channel
        returning = self._channels[channel]
        del returning.clients[client.subscriber.id]
        client.is_over = True
        if not returning.clients:
            returning.is_over = True
            del self._channels[channel], self._hub.recovering[channel]
            self._tails.watched.discard(channel)
            self._following.end(channel)
        if client.pinned is not None:
            self._tails.let_go(client.pinned)
        for each in client.others:
            each.callback(None)

"""The channels of a pipeline: their subscribers on this node, and what is done with them."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Protocol

from twisted.internet.defer import Deferred

from filtered_websocket.chain.subscriber import Subscriber
from filtered_websocket.messages.message import Message
from filtered_websocket.messages.publication import Position
from filtered_websocket.messages.recovery import Recovery

ChannelCall = Callable[[str], object]
MemberCall = Callable[[str, str, str], object]
Insufficient = Callable[[Position | None], object]
"""Told that something of a channel is missing, and where its node stands now: None if nobody knows."""


class ChannelOfHub(Protocol):
    """One channel that has subscribers on this node."""

    @property
    def name(self) -> str: ...
    @property
    def subscribers(self) -> Mapping[str, Subscriber]: ...


class Hub(Protocol):
    """The channels of a pipeline on this node."""

    @property
    def channels(self) -> Mapping[str, ChannelOfHub]: ...
    @property
    def dirty(self) -> Sequence[ChannelOfHub]:
        """Those of which something waits for the turn's end."""

    @property
    def publications(self) -> int: ...
    @property
    def deliveries(self) -> int: ...
    @property
    def bytes_out(self) -> int: ...
    def subscribers(self, name: str) -> Collection[Subscriber]: ...
    def position(self, name: str) -> Position | None: ...
    def epoch(self, name: str) -> str | None: ...
    def join(self, name: str, subscriber: Subscriber, like: str = "") -> bool: ...
    def leave(self, name: str, subscriber: Subscriber) -> bool: ...
    def publish(self, name: str, messages: Sequence[Message], exclude: Collection[str] = ()) -> None: ...
    def settle(self, subscriber: Subscriber) -> None: ...
    def forget(self, name: str) -> None: ...


class Channels(Protocol):
    """What a pipeline does with its channels."""

    def publish(self, channel: str | Iterable[str], payload: Any, exclude: Any = None) -> Deferred[Any]: ...
    def broadcast(self, channel: str, payload: Any, exclude: Any = None) -> None: ...
    def subscribe(self, channel: str, subscriber: Subscriber) -> Deferred[Any]: ...
    def unsubscribe(self, channel: str, subscriber: Subscriber) -> Deferred[Any]: ...
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
        keep: Any = None,
    ) -> Deferred[Recovery]: ...
    def catch_up(
        self,
        channel: str,
        subscriber: Subscriber,
        since: Position | None = None,
        *,
        last: int | None = None,
        insufficient: Insufficient | None = None,
        keep: Any = None,
    ) -> Deferred[Any]: ...
    def join_all(self, clients: Sequence[Any], answer: Callable[[list[Recovery]], object]) -> None: ...
    def join_now(
        self,
        channel: str,
        subscriber: Subscriber,
        answer: Callable[[Recovery], object],
        *,
        insufficient: Insufficient | None = None,
        keep: Any = None,
    ) -> bool: ...
    def is_channel(self, name: str) -> bool: ...

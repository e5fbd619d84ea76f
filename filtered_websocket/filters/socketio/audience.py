"""The clients that something is for: those of a namespace that are in one of several rooms, and in none of some others.

A room is a channel of this node's hub. What is emitted comes by the bus to every node, so rooms need no storage.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple, Protocol

from filtered_websocket.chain.subscriber import Subscriber
from filtered_websocket.messages.message import Message


class Hub(Protocol):
    """The rooms of this node: the hub, or `recovery.kinds.BothKinds` of it."""

    def subscribers(self, name: str) -> Collection[Subscriber]: ...
    def publish(self, name: str, messages: Sequence[Message], exclude: Collection[str] = ()) -> None: ...


def channel(namespace: str, room: str) -> str:
    """The channel of a room: no namespace holds a comma."""
    return f"{namespace},{room}"


def is_name(namespace: str) -> bool:
    """Whether there can be a namespace of this name; another name would be that of another channel."""
    return namespace.startswith("/") and "," not in namespace


class Audience(NamedTuple):
    """
    :ivar rooms: none: all clients of the namespace
    :ivar excepted: rooms whose clients get nothing
    """

    namespace: str
    rooms: tuple[str, ...] = ()
    excepted: tuple[str, ...] = ()

    @property
    def channels(self) -> tuple[str, ...]:
        """The channels of the hub that it is in; that of all clients of a namespace has its name."""
        namespace = self.namespace
        return tuple(channel(namespace, room) for room in self.rooms) if self.rooms else (namespace,)

    @property
    def excepted_channels(self) -> tuple[str, ...]:
        """The channels whose clients get nothing."""
        return tuple(channel(self.namespace, room) for room in self.excepted)

    def left_out(self, hub: Hub) -> set[str]:
        """The subscribers of this node, by id, that get nothing."""
        return {each.id for name in self.excepted_channels for each in hub.subscribers(name)}

    def subscribers(self, hub: Hub) -> list[str]:
        """The subscribers of this node that are meant, by id, each once."""
        out = self.left_out(hub)
        found = dict.fromkeys(each.id for name in self.channels for each in hub.subscribers(name))
        return [name for name in found if name not in out]

    def publish(self, hub: Hub, messages: tuple[Message, ...], busy: Iterable[str] = ()) -> None:
        """Send to those of this node, each once.

        :param busy: ids of subscribers that get nothing either
        """
        exclude: Collection[str] = self.left_out(hub).union(busy) if self.excepted or busy else ()
        channels = self.channels
        for name in channels:
            hub.publish(name, messages, exclude)
            if len(channels) > 1:
                # A client that is in several of the rooms gets one copy.
                exclude = frozenset(exclude).union([each.id for each in hub.subscribers(name)])

"""Two kinds of clients: those that get offsets, and those that know of none.

The latter are in channels of the hub of their own, of which a room has one beside that of its name. An event is encoded
once for all clients of a kind.
"""

from collections.abc import Collection, Sequence

from filtered_websocket.chain.channels import Hub
from filtered_websocket.chain.subscriber import Subscriber
from filtered_websocket.filters.socketio.recovery.items import Emit
from filtered_websocket.filters.socketio.recovery.offsets import unstamp
from filtered_websocket.messages.message import Message

PLAIN = "\0plain "
"""What the channels of those begin with that know of no offsets."""


def enter(hub: Hub, room: str, subscriber: Subscriber, knows: bool) -> None:
    """Put a client of a kind into a room."""
    if knows:
        hub.join(room, subscriber)
    else:
        hub.join(PLAIN + room, subscriber, like=room)


def leave(hub: Hub, room: str, subscriber: Subscriber, knows: bool) -> None:
    """Take it out again."""
    hub.leave(room if knows else PLAIN + room, subscriber)


def both(room: str) -> tuple[str, str]:
    """The channels that a room has."""
    return room, PLAIN + room


class BothKinds:
    """The hub, as what publishes to rooms sees it."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def emit(self, item: Emit, messages: Sequence[Message]) -> None:
        """Send an event to those of an audience that are here, each once.

        :param messages: it, with its offset
        """
        exclude: Collection[str] = ()
        if item.but:
            exclude = {each.id for room in item.but for each in self.subscribers(room)}
        for room in item.to:
            self.publish(room, messages, exclude)
            if len(item.to) > 1:
                exclude = {*exclude, *(each.id for each in self.subscribers(room))}

    def subscribers(self, name: str) -> list[Subscriber]:
        """Those in a room, of either kind."""
        return [*self._hub.subscribers(name), *self._hub.subscribers(PLAIN + name)]

    def publish(self, name: str, messages: Sequence[Message], exclude: Collection[str] = ()) -> None:
        """Send an event with an offset to a room; to those that know of none without it."""
        self._hub.publish(name, messages, exclude)
        if (plain := PLAIN + name) in self._hub.channels:
            self._hub.publish(plain, unstamp(messages), exclude)

"""The subscribers of a pipeline's channels that rely on their positions: each is told when something is missing."""

from typing import NamedTuple

from twisted.logger import Logger

from filtered_websocket.chain.channels import Insufficient
from filtered_websocket.chain.counters import Counters
from filtered_websocket.chain.subscriber import Subscriber
from filtered_websocket.messages.publication import Position

_log = Logger()


class _One(NamedTuple):
    subscriber: Subscriber
    insufficient: Insufficient | None
    came_back: bool


class Positioned:
    """Those of one pipeline.

    :ivar channels: by channel and id
    """

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self.channels: dict[str, dict[str, _One]] = {}

    def add(self, channel: str, subscriber: Subscriber, insufficient: Insufficient | None, came_back: bool) -> None:
        self.channels.setdefault(channel, {})[subscriber.id] = _One(subscriber, insufficient, came_back)

    def remove(self, channel: str, subscriber: Subscriber) -> None:
        """One leaves; another that has come with its id stays."""
        ones = self.channels.get(channel)
        one = None if ones is None else ones.get(subscriber.id)
        if one is not None and (one.subscriber is subscriber or channel not in one.subscriber.channels):
            del self.channels[channel][subscriber.id]
            if not self.channels[channel]:
                del self.channels[channel]

    def came_back(self, channel: str, name: str) -> bool:
        """Whether it has said where it stood: what was published before is with it."""
        one = self.channels.get(channel, {}).get(name)
        return one is not None and one.came_back

    def tell(self, channel: str, position: Position | None) -> None:
        """Something of a channel is missing: each is told, as often as that is so."""
        ones = tuple(self.channels.get(channel, {}).values())
        if ones:
            self._counters.count("not recovered", "gap while connected", channel, len(ones))
        for one in ones:
            if one.insufficient is not None:
                try:
                    one.insufficient(position)
                except Exception:
                    _log.failure("a subscriber failed on being told that something is missing")

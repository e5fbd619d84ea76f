"""The subscribers of a pipeline's channels that rely on their positions: each is told when something is missing."""

from typing import NamedTuple

from twisted.logger import Logger

from filtered_websocket.chain.interfaces import Insufficient
from filtered_websocket.messages.publication import Position
from filtered_websocket.pipeline.catching_up import CatchingUp

_log = Logger()


class _One(NamedTuple):
    insufficient: Insufficient | None
    came_back: bool


class Positioned:
    """Those of one pipeline, by channel and id."""

    def __init__(self) -> None:
        self._channels: dict[str, dict[str, _One]] = {}

    def add(self, client: CatchingUp) -> None:
        one = _One(client.insufficient, client.since is not None)
        self._channels.setdefault(client.channel, {})[client.subscriber.id] = one

    def remove(self, channel: str, name: str) -> None:
        channels = self._channels
        if channel in channels and channels[channel].pop(name, None) is not None and not channels[channel]:
            del channels[channel]

    def came_back(self, channel: str, name: str) -> bool:
        """Whether it has said where it stood: what was published before is with it."""
        one = self._channels.get(channel, {}).get(name)
        return one is not None and one.came_back

    def tell(self, channel: str, position: Position | None) -> None:
        """Something of a channel is missing: each is told once."""
        for one in self._channels.pop(channel, {}).values():
            if one.insufficient is not None:
                try:
                    one.insufficient(position)
                except Exception:
                    _log.failure("a subscriber failed on being told that something is missing")

"""Order over several channels: of the channels that one subscriber is in, at most one waits for the turn's end.

Only channels that share subscribers (`Channel.mixed`) are looked at. While just one of them waits, no subscriber is: a
turn that publishes to one channel costs nothing more.
"""

from collections.abc import Iterable

from filtered_websocket.pipeline.channel import Channel


class Waiting:
    """The mixed channels of a hub that wait in this turn."""

    def __init__(self) -> None:
        self._first: Channel | None = None
        # By the subscriber's id; empty while `_first` is alone. A channel that waits no more has nothing pending.
        self._channels: dict[str, Channel] = {}

    def begin(self, channel: Channel) -> list[Channel]:
        """A channel begins to wait.

        :returns: those that wait and share a subscriber with it: what they hold was published before
        """
        channels, subscribers = self._channels, channel.subscribers
        if not channels:
            first = self._first
            if first is None or first is channel:
                self._first = channel
                return []
            channels.update(dict.fromkeys(first.subscribers, first))
        before = dict.fromkeys(map(channels.get, subscribers))
        channels.update(dict.fromkeys(subscribers, channel))
        return [each for each in before if each is not None and each.pending and each is not channel]

    def channel_for(self, name: str) -> Channel | None:
        """Of which channel something may wait for the subscriber of this id."""
        if self._channels:
            return self._channels.get(name)
        return self._first if self._first is not None and name in self._first.subscribers else None

    def renew(self, still: Iterable[Channel]) -> None:
        """The turn has ended.

        :param still: channels that have begun to wait meanwhile
        """
        self._first = None
        if self._channels:
            self._channels = {}
        for channel in still:
            if channel.mixed and channel.pending:
                self.begin(channel)

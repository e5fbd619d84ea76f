"""Order over several channels: of the channels that one subscriber is in, at most one waits for the turn's end.

Only channels that share subscribers (`Channel.mixed`) are looked at. A few that wait are compared with the one that
begins to; of more the subscribers that they wait for are written down. A turn that publishes to one channel costs
nothing more. Where channels that share subscribers meet again and again in a turn, that is looked for no longer: the
one that was published to last waits, and no other.
"""

from collections.abc import Iterable

from filtered_websocket.pipeline.channel import Channel

COMPARED = 4
"""Channels that are compared one by one. Two that share many subscribers are told at the first that they share."""
OFTEN = 4
"""Meetings of a turn, less what meets nothing in between, behind which the next is taken for granted."""


class Waiting:
    """The mixed channels of a hub that wait in this turn. One that has nothing pending was flushed.

    :ivar few: the first of them, or the last where they meet often; empty if there are none
    :ivar joined: set where a channel is joined: what the last `begin` has said may be no longer all
    """

    def __init__(self) -> None:
        self.few: list[Channel] = []
        self.joined = False
        self._met = 0
        # By the subscriber's id, where more than a few wait.
        self._channels: dict[str, Channel] = {}

    def begin(self, channel: Channel) -> list[Channel]:
        """A channel begins to wait.

        :returns: those that wait and may share a subscriber with it: what they hold was published before
        """
        self.joined = False
        if self._met < OFTEN:
            before = self._sharing(channel)
            self._met = self._met + 1 if before else max(self._met - 1, 0)
            if self._met < OFTEN:
                return before
            self.few = list(dict.fromkeys([*before, *self.few, *self._channels.values()]))
            self._channels = {}
        waiting, self.few = self.few, [channel]
        return [each for each in waiting if each.pending and each is not channel]

    def _sharing(self, channel: Channel) -> list[Channel]:
        channels, subscribers = self._channels, channel.subscribers
        if not channels:
            few = self.few = [each for each in self.few if each.pending and each is not channel]
            few.append(channel)
            if len(few) <= COMPARED:
                ids = subscribers.keys()
                return [each for each in few if each is not channel and not ids.isdisjoint(each.subscribers.keys())]
            for each in few[:-1]:
                channels.update(dict.fromkeys(each.subscribers, each))
        before = dict.fromkeys(map(channels.get, subscribers))
        channels.update(dict.fromkeys(subscribers, channel))
        return [each for each in before if each is not None and each.pending and each is not channel]

    def channel_for(self, name: str) -> Channel | None:
        """Of which channel something waits for the subscriber of this id."""
        if self._channels:
            channel = self._channels.get(name)
            return channel if channel is not None and channel.pending else None
        return next((each for each in self.few if each.pending and name in each.subscribers), None)

    def renew(self, still: Iterable[Channel]) -> None:
        """The turn has ended.

        :param still: channels that have begun to wait meanwhile
        """
        self.few, self._met = [], 0
        if self._channels:
            self._channels = {}
        for channel in still:
            if channel.mixed and channel.pending:
                self.begin(channel)

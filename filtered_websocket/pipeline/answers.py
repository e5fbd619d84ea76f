"""What one that has caught up with a channel is told, and given, in the moment when it joins."""

from collections.abc import Mapping

from filtered_websocket.messages.recovery import GAP, LEFT, NO_HISTORY, TOO_MANY, Recovery
from filtered_websocket.pipeline.catching_up import CatchingUp, Step
from filtered_websocket.pipeline.positioned import Positioned
from filtered_websocket.pipeline.returning import Recovered, Returning
from filtered_websocket.pipeline.tail import Entry, Slice, Tail


class Answers:
    """Those of a pipeline.

    :param channels: that subscribers come back to
    :param positioned: the subscribers that have come back
    """

    def __init__(self, pipeline: Recovered, channels: Mapping[str, Returning], positioned: Positioned) -> None:
        self._pipeline, self._channels, self._positioned = pipeline, channels, positioned
        self._hub = pipeline.hub
        # Whose slices this turn has made: those that come back together miss the same.
        self._sliced: set[Tail] = set()

    def of(self, client: CatchingUp) -> Recovery:
        """The answer, by what its node has delivered up to now."""
        if client.left:
            return Recovery(False, LEFT, None)
        returning = self._channels[client.channel]
        tail = returning.tail
        if tail is None:
            client.reason = client.reason or NO_HISTORY
            return Recovery(False, client.reason, None)
        step, offset = returning.next(client, tail)
        if step is not Step.ANSWER:  # something has happened since it had caught up
            client.give_up(TOO_MANY if step is Step.READ else GAP)
            offset = returning.next(client, tail).offset
        if not self._sliced:
            self._pipeline.server.at_turn_end(self._clear_slices)
        self._sliced.add(tail)
        part = tail.behind(offset)
        if part.limited:
            part = Slice(tail.channel, [each for each in part.entries if self._is_for(each, client)], limited=True)
        client.batch = part if any(each.publication is not None for each in part.entries) else None
        reason = client.reason
        return Recovery(client.since is not None and not reason, reason, tail.position, part.publications)

    def deliver(self, client: CatchingUp) -> None:
        """Hand a subscriber what it has missed, as messages: all, whatever slow clients of the channel lose."""
        if client.batch is not None:
            self._hub.deliveries += len(client.batch.entries)
            self._hub.settle(client.subscriber)
            client.subscriber.deliver(client.batch, "disconnect")

    def count(self, client: CatchingUp) -> None:
        """It has joined. One that has asked for nothing is none that has lost something."""
        if client.since is None and client.last is None:
            return
        counters = self._pipeline.server.counters
        if client.reason:
            counters.count("not recovered", client.reason, client.channel)
        elif client.since is not None:
            counters.count("recovered", "channel")

    def _is_for(self, entry: Entry, client: CatchingUp) -> bool:
        """Whether a subscriber gets this: it is not excluded, nor has its copy by another channel."""
        name, publication = client.subscriber.id, entry.publication
        if name in entry.exclude or publication is None:
            return False
        for channel in publication.besides:
            known = self._channels.get(channel)
            beside = None if known is None else known.clients.get(name)
            if self._positioned.came_back(channel, name) or (beside is not None and beside.since is not None):
                return False
        return True

    def _clear_slices(self) -> None:
        sliced, self._sliced = self._sliced, set()
        for tail in sliced:
            tail.clear_slices()

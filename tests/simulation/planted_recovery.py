"""Faults to plant where clients come back and nodes were cut off, and a reload that forgets what it should keep."""

from collections.abc import Callable
from typing import Any

from filtered_websocket.filters.centrifugo.namespaces import Namespaces
from filtered_websocket.filters.centrifugo.state import State
from filtered_websocket.pipeline.catching_up import CatchingUp
from filtered_websocket.pipeline.hub import Hub
from filtered_websocket.pipeline.positioned import Positioned
from filtered_websocket.storage_objects.sqlite.tables import Tables
from filtered_websocket.testing.process_time import put_into
from tests.simulation.planted import Planted


def _epoch_not_compared() -> Planted:
    real = CatchingUp.next

    def next_step(self: CatchingUp, tail: Any, *limits: int) -> Any:
        if self.since is not None and self.since.offset <= tail.top:
            self.since = self.since._replace(epoch=tail.epoch)
        return real(self, tail, *limits)

    return put_into(CatchingUp, {"next": next_step})


def _timer_of_recovery_left() -> Planted:
    return put_into(CatchingUp, {"forget_deadline": lambda self: None})


def _gap_not_told() -> Planted:
    return put_into(Positioned, {"tell": lambda self, channel, position: None})


def _channel_not_emptied() -> Planted:
    return put_into(Hub, {"_emptied": lambda self, name: self.channels.get(name)})


def _history_cleared() -> Planted:
    real, count = Tables.append, [0]

    def append(self: Tables, channel: bytes, *arguments: Any) -> Any:
        count[0] += 1
        if count[0] % 7 == 0:
            self.clear(channel)
        return real(self, channel, *arguments)

    return put_into(Tables, {"append": append})


def _options_lost_by_a_reload() -> Planted:
    real = State.follow

    def follow(self: State, options: Any) -> None:
        is_again = hasattr(self, "namespaces")
        real(self, options)
        if is_again:
            named = {name: each._replace(history_size=0) for name, each in options.centrifugo_namespaces.items()}
            self.namespaces = Namespaces(named)

    return put_into(State, {"follow": follow})


RECOVERY: dict[str, tuple[Callable[[], Planted], str]] = {
    "an epoch that is not compared": (_epoch_not_compared, "memory"),
    "a timer of recovery left": (_timer_of_recovery_left, "memory"),
    "a gap not told": (_gap_not_told, "memory"),
    "a channel not emptied before one joins": (_channel_not_emptied, "sqlite"),
    "a reload that loses a channel's options": (_options_lost_by_a_reload, "memory"),
    "a history that is cleared": (_history_cleared, "sqlite"),
}
"""What is planted, and on which storage it is to be found. One that leaves a channel that is not emptied first is owed
nothing, as far as others can see: that is no fault here (tests/pipeline/test_hub.py has what it gets)."""

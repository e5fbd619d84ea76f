"""Where channels stood in the file when their ears were opened: the answer comes among those of what is sent, in the
order of the file. While the file is away it is asked again when that is over."""

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred

from filtered_websocket.errors import StorageAway
from filtered_websocket.messages.publication import Position
from filtered_websocket.storage_objects.memory import Ear
from filtered_websocket.storage_objects.sqlite.tables import Tables
from filtered_websocket.storage_objects.values import as_bytes


class Ears:
    """
    :param opened: the ears, by channel
    :param ask: asks the file
    """

    def __init__(self, opened: dict[str, Ear], ask: Callable[..., Deferred[Any]]) -> None:
        self._opened, self._ask = opened, ask

    def open(self, channel: str) -> Deferred[Position | None]:
        """Fires when it is known where the channel stands, with that."""
        ear = self._opened.get(channel)
        if ear is None:
            ear = self._opened[channel] = Ear(False)
            self._locate(channel, ear)
        confirmed: Deferred[Position | None] = Deferred()
        ear.waiting.append(confirmed)
        return confirmed

    def locate_again(self) -> None:
        """The file is back."""
        for channel, ear in list(self._opened.items()):
            if not ear.known:
                self._locate(channel, ear)

    def stop(self) -> None:
        for ear in list(self._opened.values()):  # what is told of it may close others
            fail(ear, "the storage object was stopped")

    def _locate(self, channel: str, ear: Ear) -> None:
        def found(where: tuple[str, int] | None) -> None:
            ear.known, ear.last = True, where and Position(*where)

        def confirm(_: object) -> None:
            waiting, ear.waiting = ear.waiting, []
            for confirmed in waiting:
                confirmed.callback(ear.last)

        self._ask(Tables.where, as_bytes(channel), convert=found).addCallbacks(confirm, lambda _: None)


def fail(ear: Ear, reason: str) -> None:
    """What waits for it is told that there is no more to wait for."""
    waiting, ear.waiting = ear.waiting, []
    for confirmed in waiting:
        confirmed.errback(StorageAway(reason))

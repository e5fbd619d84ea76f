"""The memory storage of the testing kit, which a test may take away as an outage of Redis would."""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from twisted.internet.defer import Deferred, fail

from filtered_websocket.chain.deferreds import DONE
from filtered_websocket.errors import StorageAway
from filtered_websocket.storage_objects.memory import StorageObject

ASKED = (
    "get", "add", "remove", "put", "fields", "delete", "store", "load", "take", "publish", "listen", "listen_to_all",
    "read", "send", "subscribe", "track", "count", "occupied", "since", "latest", "clear", "position", "join", "leave",
    "members", "member", "member_count",
)  # fmt: skip
"""What fails meanwhile. What leaves is let go: nobody is kept in a channel by an outage."""


class Storage(StorageObject):
    """`storage_objects.memory`, of which `away` makes an outage."""

    private_bus = True  # what it is derived from would take `publish` for another's

    def __init__(self) -> None:
        super().__init__()
        self._is_away = False
        self._waiting: list[Deferred[None]] = []

    @property
    def ready(self) -> bool:
        return not self._is_away

    def wait_ready(self) -> Deferred[None]:
        if not self._is_away:
            return DONE
        waiting: Deferred[None] = Deferred(self._waiting.remove)
        self._waiting.append(waiting)
        return waiting

    @contextmanager
    def away(self) -> Iterator[None]:
        """No call is answered inside the ``with`` statement: each fails with `StorageAway`, and does nothing."""
        self._set_away(True)
        try:
            yield
        finally:
            self._set_away(False)

    def _set_away(self, away: bool) -> None:
        self._is_away = away
        if self._consumer is not None:
            self._consumer.ready_changed(not away)
        if not away:
            waiting, self._waiting = self._waiting, []
            for each in waiting:
                each.callback(None)


def _asked(real: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(real)
    def ask(self: Storage, *arguments: Any, **named: Any) -> Any:
        if not self.ready:
            return fail(StorageAway("the test has taken the storage away"))
        return real(self, *arguments, **named)

    return ask


for _name in ASKED:
    setattr(Storage, _name, _asked(getattr(StorageObject, _name)))

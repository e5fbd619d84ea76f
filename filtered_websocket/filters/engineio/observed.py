"""A session as lists and traces of connections show it: its user, and what it tells while somebody looks.

It is observed as a WebSocket is (`chain.observed`). In an upgrade it says that its client has moved, and a filter that
runs in it still goes on to tell. Then the WebSocket, which has its id and its user, tells all else.
"""

from typing import TYPE_CHECKING, Any

from filtered_websocket.chain.interfaces import Connection
from filtered_websocket.chain.observed import Observed
from filtered_websocket.filters.engineio.payloads import Payload
from filtered_websocket.filters.engineio.polling_backlog import Taken
from filtered_websocket.filters.engineio.session import Session

if TYPE_CHECKING:

    class Seen(Session):
        """A session, as what is mixed in sees it."""

        opened: bool
        successor: Connection | None
        close_code: int | None
        close_reason: str | None
        _is_plain: bool

        async def begin(self) -> None: ...
        async def run(self, event: str, data: Any = None, binary: bool = False) -> None: ...
        def _encoded(self, taken: Taken) -> Payload: ...
        def _left(self) -> None: ...
        async def _disconnected(self) -> None: ...
else:
    Seen = object


class ObservedSession(Observed, Seen):
    """Mixed in before the class of a session."""

    # The way in.

    async def begin(self) -> None:
        with self.observer.running("handshake"):
            await super().begin()

    async def run(self, event: str, data: Any = None, binary: bool = False) -> None:
        if event == "message":
            self.observer.received(data, binary)
        with self.observer.running(event):
            await super().run(event, data, binary)

    def _left(self) -> None:
        if self.moves and self._is_plain:
            self.observer.moved()
        elif not self.opened:
            self.observer.ended(None, None)
        super()._left()

    def lost(self) -> None:
        super().lost()
        if not self._is_plain:
            self.observer.ended(self.close_code, self.close_reason)

    async def _disconnected(self) -> None:
        # Packs whose filters see two connections have this of a session that moves, too.
        observer, moves = self.observer, self.moves and not self._is_plain
        with observer.running("disconnect"):
            await super()._disconnected()
        if moves:
            observer.moved()
        else:
            observer.ended(self.close_code, self.close_reason)

    # The way out.

    def _encoded(self, taken: Taken) -> Payload:
        # When a GET takes it: what still waits in an upgrade, the WebSocket sends.
        self.observer.sent(taken.messages)
        return super()._encoded(taken)

    # What filters ask of it.

    def _calls(self, name: str, arguments: dict[str, Any]) -> None:
        # What its successor does, that tells; and a session closes no more than once.
        if name == "publish" or not self.ended:
            super()._calls(name, arguments)

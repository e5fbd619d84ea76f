"""What a WebSocket tells of itself while somebody looks at it (`chain.observed`).

It leaves the fast road of the hub, so that what is published comes by `deliver`.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from filtered_websocket.chain.observed import Observed
from filtered_websocket.connection.parts import Part
from filtered_websocket.messages.batch import Batch
from filtered_websocket.messages.message import Message

if TYPE_CHECKING:

    class Seen(Part):
        """A connection, as what is mixed in sees it."""

        def _handshake(self, head: Any) -> None: ...
        def _received(self, payload: bytearray, binary: bool) -> None: ...
        def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None: ...
        async def _disconnected(self) -> None: ...
else:
    Seen = object


class ObservedConnection(Observed, Seen):
    """Mixed in before the class of a connection."""

    # The way in.

    def _handshake(self, head: Any) -> None:
        with self.observer.running("handshake"):
            super()._handshake(head)

    def onOpen(self) -> None:
        with self.observer.running("connect"):
            super().onOpen()

    def connectionLost(self, reason: Any = None) -> None:
        was_open, observer = self.opened, self.observer
        super().connectionLost(reason)
        if not was_open:
            observer.ended(None, None)

    def hand_over(self) -> None:
        # To plain HTTP, which is no connection of anybody's.
        self.observer.ended(None, None)
        super().hand_over()

    def filter_data(self, data: bytes) -> None:
        with self.observer.running("data"):
            super().filter_data(data)

    def _received(self, payload: bytearray, binary: bool) -> None:
        self.observer.received(payload, binary)
        with self.observer.running("message"):
            super()._received(payload, binary)

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        # With the last connection the server may end, and with it what looks.
        was_open, observer, has_filters = self.opened, self.observer, bool(self.pipeline.chains["disconnect"])
        super().onClose(wasClean, code, reason)
        if was_open and not has_filters:
            observer.ended(self.close_code, self.close_reason)

    async def _disconnected(self) -> None:
        # On asyncio's reactor it begins later than `onClose` ends.
        observer = self.observer
        with observer.running("disconnect"):
            await super()._disconnected()
        observer.ended(self.close_code, self.close_reason)

    # The way out.

    def redirect(self) -> None:
        super().redirect()
        self.direct = None

    def send_frame(self, payload: bytes | bytearray, binary: bool) -> None:
        self.observer.sent(((bytes(payload), binary),))
        super().send_frame(payload, binary)

    def send_together(self, messages: Sequence[Message]) -> None:
        self.observer.sent(messages)
        super().send_together(messages)

    def deliver(self, batch: Batch, policy: str) -> None:
        # As it goes out.
        encoded = batch if self.encoding is None else batch.in_encoding(self.encoding)
        self.observer.sent(encoded.messages)
        super().deliver(batch, policy)

"""One client in a namespace of Socket.IO, by the packets that it sends.

A packet with attachments is one text and several binary messages. Here nothing reads the bytes: their number is counted
down, and the event is acknowledged behind the last.
"""

from collections.abc import Awaitable
from typing import Any

from filtered_websocket.filters.engineio.packets import Malformed
from filtered_websocket.filters.engineio.session import Session
from filtered_websocket.filters.socketio import packets
from filtered_websocket.filters.socketio.packets import Packet
from filtered_websocket.filters.ws_emit.member import Member
from filtered_websocket.filters.ws_emit.namespace import Namespace


class Socket(Member):
    """The whole of it."""

    __slots__ = ("_acknowledge", "_attachments")

    def __init__(self, session: Session, namespace: Namespace) -> None:
        super().__init__(session, namespace)
        # How many attachments are due of a packet whose text has come, and the id that it wants acknowledged.
        self._attachments = 0
        self._acknowledge: int | None = None

    def end(self) -> dict[str, Any]:
        return super().end() | {"attachments": self._attachments, "acknowledge": self._acknowledge}

    def resume(self, state: dict[str, Any]) -> None:
        self._attachments, self._acknowledge = state["attachments"], state["acknowledge"]
        super().resume(state)

    def gone_on(self) -> None:
        """It is not told: what was here ended with the move."""

    def lost(self) -> None:
        """It is not told either."""

    # Packets of the client.

    def receive(self, text: str) -> Awaitable[None] | None:
        return self._receive(text) if self.coming is None else self._receive_later(text, self.coming)

    async def _receive_later(self, text: str, coming: Awaitable[None]) -> None:
        await coming
        waits = None if self._session.ended else self._receive(text)
        if waits is not None:
            await waits

    def _receive(self, text: str) -> Awaitable[None] | None:
        if self._attachments:
            raise Malformed("a text where an attachment is due")
        packet = packets.decode(text)
        if packet.attachments:
            is_ours = packet.type == packets.BINARY_EVENT and packet.namespace == "/"
            self._attachments, self._acknowledge = packet.attachments, packet.id if is_ours else None
            return None
        if packet.namespace != "/":
            if packet.type == packets.CONNECT:
                self.send(packets.refused(packet.namespace, self._session.protocol))
        elif packet.type == packets.CONNECT:
            return self._ask_in(packet.data)
        elif packet.type == packets.DISCONNECT:
            self.disconnect()
        elif packet.type in (packets.EVENT, packets.BINARY_EVENT) and self.is_connected:
            return self._event(packet)
        return None

    def receive_bytes(self, data: bytes | bytearray) -> Awaitable[None] | None:
        if self.coming is not None:
            return self._receive_bytes_later(self.coming)
        self._receive_bytes()
        return None

    async def _receive_bytes_later(self, coming: Awaitable[None]) -> None:
        await coming
        self._receive_bytes()

    def _receive_bytes(self) -> None:
        if not self._attachments:
            raise Malformed("an attachment that belongs to nothing")
        self._attachments -= 1
        if not self._attachments and self.is_connected:
            self._answer(self._acknowledge)

    def _event(self, packet: Packet) -> Awaitable[None] | None:
        waits = self._namespace.handle(self, packet.data)
        if waits is None:
            # An acknowledgement says that it comes back to the room, too, that it has joined.
            waits = None if packet.id is None or self.standing is None else self.standing.settled()
            if waits is None:
                self._answer(packet.id)
                return None
        return self._answer_later(waits, packet.id)

    async def _answer_later(self, waits: Awaitable[None], number: int | None) -> None:
        await waits
        settled = None if number is None or self.standing is None else self.standing.settled()
        if settled is not None:
            await settled
        if not self._session.ended:
            self._answer(number)

    def _answer(self, number: int | None) -> None:
        if number is not None:
            self.send(packets.acknowledged(number))

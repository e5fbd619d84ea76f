"""Packets of one client as they come: a text, and behind it the attachments that belong to it."""

from filtered_websocket.filters.engineio.packets import Malformed
from filtered_websocket.filters.socketio import packets
from filtered_websocket.filters.socketio.packets import Packet

RESERVED = frozenset(("connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"))
"""Names of events that clients and servers have for what happens to them."""


class TooManyAttachments(Malformed):
    """More than the option ``socketio_max_attachments`` allows."""


class Assembly:
    """
    :ivar size: bytes of the packet that has come last
    """

    __slots__ = ("_attachments", "_packet", "size")

    def __init__(self) -> None:
        self._packet: Packet | None = None
        self._attachments: list[bytes] = []
        self.size = 0

    def text(self, text: str, most: int) -> Packet | None:
        """The packet that a text is; None as long as its attachments are due.

        :param most: attachments that it may have
        :raises Malformed: it is none that a client sends
        """
        if self._packet is not None:
            raise Malformed("a text where an attachment is due")
        packet = packets.decode(text)
        _check(packet)
        if packet.attachments > most:
            raise TooManyAttachments(f"{packet.attachments} attachments; {most} are allowed")
        self.size = len(text)
        if packet.attachments:
            self._packet = packet
            return None
        return packet

    def attachment(self, data: bytes | bytearray) -> Packet | None:
        """The packet whose last attachment this is; None as long as others are due.

        :raises Malformed: none was due, or a placeholder stands for none
        """
        packet = self._packet
        if packet is None:
            raise Malformed("an attachment that belongs to nothing")
        self._attachments.append(bytes(data))
        self.size += len(data)
        if len(self._attachments) < packet.attachments:
            return None
        attachments, self._attachments, self._packet = self._attachments, [], None
        return packet._replace(data=packets.put_in(packet.data, attachments))

    @property
    def is_due(self) -> bool:
        """Whether attachments are due."""
        return self._packet is not None

    @property
    def unfinished(self) -> tuple[Packet, list[bytes]] | None:
        """What has come of a packet whose attachments are due."""
        return None if self._packet is None else (self._packet, self._attachments)

    def resume(self, packet: Packet, attachments: list[bytes]) -> None:
        """Go on with what was unfinished elsewhere."""
        self._packet, self._attachments = packet, attachments
        self.size = sum(map(len, attachments))


def _check(packet: Packet) -> None:
    kind, data = packet.type, packet.data
    if kind in (packets.EVENT, packets.BINARY_EVENT):
        if not data or not isinstance(data[0], (str, int)) or isinstance(data[0], bool) or data[0] in RESERVED:
            raise Malformed("an event has a name, and none that is reserved")
        return
    if kind == packets.CONNECT and not (data is None or isinstance(data, dict)):
        raise Malformed("what a client says of itself is a JSON object")
    if kind == packets.DISCONNECT and data is not None:
        raise Malformed("a disconnect says nothing more")
    if kind in (packets.ACK, packets.BINARY_ACK) and packet.id is None:
        raise Malformed("an acknowledgement has an id")
    if kind == packets.CONNECT_ERROR:
        raise Malformed("a packet that no client sends")

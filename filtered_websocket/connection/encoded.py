"""Sending what is in a connection's encoding already: packets of the protocol that its client speaks."""

from collections.abc import Sequence

from filtered_websocket.connection.autobahn import OPEN
from filtered_websocket.connection.parts import Part
from filtered_websocket.messages.batch import Batch
from filtered_websocket.messages.encoding import Encoding
from filtered_websocket.messages.message import Message


class Encoded(Part):
    """What goes past the encoding."""

    encoding: Encoding | None
    """What messages look like to this client, None for themselves: a handshake filter says so."""

    def send_encoded(self, messages: Sequence[Message], behind: bool = True) -> None:
        """Send messages to this connection alone, as they are; on one that is closing they are counted as dropped.

        :param behind: what was published before to its channels; else that may come later in this turn
        """
        if self.state != OPEN:
            self.factory.counters.count("dropped", "sent to a closed connection", times=len(messages))
            return
        hub = self.pipeline.hub
        hub.deliveries += len(messages)
        if behind and hub.dirty:
            hub.settle(self)
        for payload, binary in messages:
            self.send_frame(payload, binary)

    def send_together(self, messages: Sequence[Message]) -> None:
        """Send messages to this connection alone, as they are, that are one large one to the limits."""
        if self.state != OPEN:
            return
        self.pipeline.hub.settle(self)
        self.uncork()
        blob = self.as_blob(Batch("", (messages,)))
        if self.slow is None:
            self.write_blob(blob)
        else:
            self.queue_blob(blob, self.slow)

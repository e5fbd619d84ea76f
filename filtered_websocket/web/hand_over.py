"""An HTTP connection that becomes a WebSocket: at once, or when the server has started.

1. A connection that a WebSocket's protocol has handed over (`connection.handover`) is given back when a later request
   on it asks for a WebSocket.
2. While the server starts, a handshake is held; then the connection is given to the protocol that it was meant for.
"""

from filtered_websocket.web.head import Head
from filtered_websocket.web.http_parts import HTTPParts
from filtered_websocket.web.interfaces import Later


class HandOver(HTTPParts):
    """A connection that the protocol of a WebSocket may have."""

    def _give_back(self, head: Head) -> None:
        """Let the protocol that handed this connection over have it again, with the request that was just read."""
        assert self.former is not None
        self.former.take_back(head.raw + self._leave())
        self.site.gone(self)

    def _hold(self, head: Head) -> None:
        """Keep a handshake until the server has started."""
        self._data[:0] = head.raw
        self._held, self._receiving = True, False
        self._set_deadline(self.site.options.handshake_timeout)

    def server_started(self) -> None:
        """What came before may be served now, in its turn."""
        self._held = False
        self._yield_turn()

    def _hand_on(self, later: Later) -> None:
        """Let the protocol that was meant to have this connection have it, with all that has come."""
        self._later = None
        later.take_over(self.transport, self._leave())
        self.site.gone(self)

    def _leave(self) -> bytes:
        """Let go of the transport; what was not read yet."""
        data = bytes(self._data)
        self._data.clear()
        self._deadline.stop()
        self._ended = True
        self.transport.unregisterProducer()
        self._resume()
        return data

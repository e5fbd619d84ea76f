"""The 101. The usual one is ours; with a subprotocol, an extension or headers of a filter it is Autobahn's."""

from typing import Any

from twisted.logger import Logger

from filtered_websocket.connection.autobahn import CONNECTING, OPEN
from filtered_websocket.connection.decision import PLAIN, Answer, Decision
from filtered_websocket.connection.parts import Part
from filtered_websocket.messages import deflate
from filtered_websocket.web import upgrade
from filtered_websocket.web.upgrade import Upgrade

_log = Logger()

_AUTOBAHNS = (
    "http_response_data", "websocket_protocols", "websocket_extensions_in_use", "websocket_protocol_in_use", "_wskey",
    "send_state",
)  # fmt: skip
"""What nobody needs again on a connection that has opened, where the 101 is Autobahn's."""


class Answering(Part):
    """A connection that opens."""

    # What Autobahn takes from the head. The extensions are negotiated here.
    websocket_protocols: list[str]
    websocket_extensions = ()
    _wskey: str
    decision: Decision | None
    _chosen: str | None = None

    def succeedHandshake(self, res: Any) -> None:
        if self.state != CONNECTING:
            return
        assert self.decision is not None
        try:
            answer = self._agree(res) if self.factory.options.compression else res
            if answer == PLAIN:
                self.open_plainly(self.decision.asked)
            else:
                self._wskey, self.websocket_protocols = self.decision.asked
                super().succeedHandshake(answer)
        except Exception:
            # Autobahn would leave it in a Deferred that nobody sees, and the socket open.
            _log.failure("an opening handshake failed")
            self.transport.abortConnection()

    def open_plainly(self, asked: Upgrade) -> None:
        """Send the usual answer, and open."""
        self.transport.write(upgrade.switching(asked.key))  # behind nothing: no connection is sent anything before
        self.state = OPEN
        if self.openHandshakeTimeoutCall is not None:
            self.openHandshakeTimeoutCall.cancel()
        self.onOpen()
        if self.data and not self.waits:
            rest, self.data = self.data, b""
            self.feed(rest)

    def _agree(self, answer: Answer) -> Answer:
        """Answer the client's offers of extensions."""
        agreed = deflate.negotiate(self.request.headers.get("sec-websocket-extensions", ""))
        if agreed is None:
            return answer
        self._perMessageCompress, text = agreed
        protocol, headers = answer
        return protocol, {**headers, "Sec-WebSocket-Extensions": [text]}

    def forget_handshake(self) -> None:
        """Drop what only the handshake needed."""
        if (chosen := self.chosen_protocol) is not None:
            self._chosen = chosen
        attributes = self.__dict__
        attributes.pop("openHandshakeTimeoutCall", None)
        attributes.pop("decision", None)
        if "_wskey" in attributes:
            for name in _AUTOBAHNS:
                attributes.pop(name, None)
        self.request.forget()

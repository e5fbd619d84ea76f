"""A connection that is plain HTTP's for a while: handed to the site, had again, put off until the server has started.

1. What is HTTP but no WebSocket is handed to the site, bytes and all. Where there are data filters this connection
   stays between, so that they see the bytes.
2. A later request on the same connection may ask for a WebSocket all the same (proxies use the connections they keep
   for whatever comes next): then it is taken back.
3. Before the server has started all connections are the site's, which answers health. Then they are taken over, with
   all that has come: data filters see it from the first byte.
"""

from filtered_websocket.connection.autobahn import CLOSED, CONNECTING
from filtered_websocket.connection.decision import Decision
from filtered_websocket.connection.parts import Part
from filtered_websocket.web.http_connection import HTTPConnection
from filtered_websocket.web.interfaces import Transport
from filtered_websocket.web.site import Site


class Handover(Part):
    """A connection that may be another protocol's."""

    http: HTTPConnection | None = None
    """What speaks HTTP on this connection, when it was handed over."""

    def hand_over(self) -> None:
        """Let the site's protocol have the connection, and what was received."""
        server, transport, data = self.factory, self.transport, self.data
        if server.site.full:
            self.refuse("Service Unavailable", 503, "max_http_connections", (("Retry-After", "1"),))
            return
        self.data = b""
        if self.openHandshakeTimeoutCall is not None:
            self.openHandshakeTimeoutCall.cancel()
            self.openHandshakeTimeoutCall = None
        self.state = CLOSED
        server.countConnections -= 1
        self.leave_transport()
        self.http = server.site.buildProtocol(None)
        self.http.former = self
        server.admission.hand_over(self, self.http)
        if not server.has_data_filters:
            transport.protocol = self.http
        self.http.makeConnection(transport)
        self.http.dataReceived(data)

    def take_back(self, data: bytes) -> None:
        """Have the connection again that was handed over.

        :param data: its next request, which asks for a WebSocket, and what came behind it
        """
        self.factory.admission.hand_over(self.http, self)
        self.http = None
        self.state = CONNECTING
        self.decision = Decision()
        self.transport.protocol = self
        self.connectionMade()
        self.feed(data)

    def put_off(self, site: Site) -> HTTPConnection:
        """What has this connection's transport until the server has started."""
        self.http = site.buildProtocol(None, self)
        self.factory.admission.hand_over(self, self.http)
        return self.http

    def take_over(self, transport: Transport, data: bytes) -> None:
        """Have the connection that was put off.

        :param data: what has come meanwhile
        """
        self.factory.admission.hand_over(self.http, self)
        self.http = None
        transport.protocol = self
        self.makeConnection(transport)
        if data:
            self.dataReceived(data)

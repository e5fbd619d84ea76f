"""A connection on which too much comes ends, and says why."""

from twisted.internet.protocol import Factory, Protocol
from twisted.internet.testing import StringTransport
from twisted.logger import capturedLogs

from filtered_websocket.filters.shared.http_client.bounded import BoundedFactory


class Heard(Protocol):
    data = b""

    def dataReceived(self, data):
        self.data += data


def test_what_is_over_the_bound_ends_the_connection_and_is_not_handed_on():
    factory = BoundedFactory(Factory.forProtocol(Heard), 10)
    bounded = factory.buildProtocol(None)
    transport = StringTransport()
    bounded.makeConnection(transport)
    bounded.dataReceived(b"12345")
    bounded.dataReceived(b"67890")
    assert (transport.disconnected, factory.too_large) == (False, False)
    bounded.dataReceived(b"x")
    assert (transport.disconnected, factory.too_large) == (True, True)
    assert bounded.wrappedProtocol.data == b"1234567890"


def test_no_connection_is_a_line_in_the_log():
    inner = Factory.forProtocol(Heard)
    factory = BoundedFactory(inner, 10)
    with capturedLogs() as told:
        factory.doStart()
        factory.doStop()
    assert told == []

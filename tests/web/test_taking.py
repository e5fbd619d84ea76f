"""How fast a client takes what was written for it."""

import pytest
from twisted.internet.testing import StringTransport

from filtered_websocket.web.taking import Taking
from tests.support.echo_requests import Echo, Large, get
from tests.support.reactor_thread import call, until
from tests.support.serving import serving


def test_a_client_that_goes_on_reading_a_large_answer_is_not_idle_and_then_served_again() -> None:
    with serving(Large, Echo, http_idle_timeout=1) as served:
        client = served.client(receive_buffer=4096)
        client.send(b"GET /large HTTP/1.1\r\nHost: h\r\n\r\n")
        assert client.response().status == 200
        got = 0
        (channel,) = call(lambda: list(served.server.site.connections))
        while not call(lambda: channel.transport.taken):
            # Some at once: what is asked in between takes a part of the second that the server gives.
            got += sum(len(client.socket.recv(65536)) for _ in range(32))
        # The time of a connection at rest is over.
        until(lambda: channel._taking._taken)
        while got < len(Large.body) - len(client._data):
            got += len(client.socket.recv(65536))
        client._data = b""
        client.send(get("after"))
        assert client.response().status == 200


def test_what_waits_is_counted_and_a_client_that_takes_some_of_it_goes_on() -> None:
    with serving(Large) as served:
        client = served.client(receive_buffer=4096)
        client.send(b"GET /large HTTP/1.1\r\nHost: h\r\n\r\n")
        until(lambda: bool(served.server.site.connections))
        (channel,) = call(lambda: list(served.server.site.connections))
        until(lambda: channel.transport.pending > 0)
        taking = call(Taking, channel.transport)
        assert 0 < call(lambda: taking.pending) <= len(Large.body) + 1000
        call(taking.goes_on)
        # The kernel takes what it has room for, then nothing more, as the client reads nothing.
        until(lambda: not taking.goes_on())
        while not call(taking.goes_on):
            client.socket.recv(65536)
        assert not call(lambda: Taking(channel.transport).pending > len(Large.body) + 1000)


@pytest.mark.parametrize("transport", [object(), StringTransport()])
def test_of_a_transport_of_another_kind_nothing_is_known(transport: object) -> None:
    taking = Taking(transport)
    assert (taking.pending, taking.goes_on()) == (0, False)


def test_over_tls_what_is_not_encrypted_yet_waits_too() -> None:
    class Socket:
        pending, taken = 7, 0

    class TLS:
        transport, waiting = Socket(), 5

    taking = Taking(TLS())
    assert (taking.pending, taking.goes_on()) == (12, False)
    Socket.taken = 3
    assert (taking.goes_on(), taking.goes_on()) == (True, False)
    Socket.pending, Socket.taken = 0, 10
    assert not taking.goes_on(), "nothing waits any more"

"""How fast a client takes what was written for it."""

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
            got += len(client.socket.recv(65536))
        # The time of a connection at rest is over.
        until(lambda: channel._taking._taken)
        while got < len(Large.body) - len(client._data):
            got += len(client.socket.recv(65536))
        client._data = b""
        client.send(get("after"))
        assert client.response().status == 200

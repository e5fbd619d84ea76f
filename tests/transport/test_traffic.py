import socket
import time

from filtered_websocket.transport.traffic import traffic


def test_the_kernel_counts_what_has_come_and_what_the_peer_has_confirmed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        client = socket.create_connection(listening.getsockname())
        server, _ = listening.accept()
        with client, server:
            assert traffic(server) is not None
            client.sendall(b"x" * 50)
            server.sendall(b"y" * 1000)
            end = time.monotonic() + 15
            while traffic(server) != (50, 1000):  # the kernel confirms in its own time
                assert time.monotonic() < end, traffic(server)


def test_where_it_does_not_nothing_is_said() -> None:
    one, other = socket.socketpair()
    with one, other:
        assert traffic(one) is None
    assert traffic(one) is None
    assert traffic(object()) is None

"""The server as people meet it: with the PyPI client `websockets`."""

import ssl
from pathlib import Path
from textwrap import dedent

import pytest
from websockets.exceptions import ConnectionClosed

from tests.connection.test_autobahn import bomb
from tests.support import certificates
from tests.support.fws_server import FwsServer, Start
from tests.support.raw_client import BINARY, DEADLINE, frame, head
from tests.support.websocket_client import ClientConnection, connect

CHAT_SERVER = """
    from filtered_websocket.filters.base import WebSocketMessageFilter

    class ChatServer(WebSocketMessageFilter):

        @classmethod
        def filter(cls, web_socket_instance, data):
            for id, user in web_socket_instance.users.items():
                user.sendMessage(data)
"""


def client(server: FwsServer, path: str = "/", **options: object) -> ClientConnection:
    return connect(server.url + path, open_timeout=DEADLINE, close_timeout=DEADLINE, **options)  # type: ignore[arg-type]


def receive(connection: ClientConnection) -> str | bytes:
    return connection.recv(timeout=DEADLINE)


def test_with_no_option_at_all_messages_go_to_everybody_else_and_to_standard_output(fws_server: Start) -> None:
    server = fws_server()
    with client(server) as one, client(server) as two:
        one.send("hällo")
        assert receive(two) == "hällo"
        two.send(b"\xff\x00")
        assert receive(one) == b"\xff\x00"
        two.send("last")
        assert receive(one) == "last"
        server.wait_for("cat message | broadcast_messages.BroadcastMessages | stdout_messages")
    server.signal()
    assert server.wait() == 0
    assert "--MESSAGE--\n" in server.printed
    assert " => hällo\n" in server.printed


def test_the_chat_server_of_the_original_readme_runs_from_the_current_directory(
    fws_server: Start, tmp_path: Path
) -> None:
    (tmp_path / "chat_server.py").write_text(dedent(CHAT_SERVER))
    server = fws_server("-f", "chat_server")
    with client(server) as one, client(server) as two:
        one.send("to all, the sender too")
        assert receive(one) == receive(two) == "to all, the sender too"
        two.send(b"binary")
        assert receive(one) == receive(two) == b"binary"


def test_tls_is_spoken_when_key_and_certificate_are_given(fws_server: Start, tmp_path: Path) -> None:
    files = certificates.write(tmp_path)
    server = fws_server("-key", files.key, "-cert", files.cert)
    assert server.url.startswith("wss://127.0.0.1:")
    context = ssl.create_default_context(cafile=files.root)
    options = {"ssl": context, "server_hostname": "localhost"}
    with client(server, **options) as one, client(server, **options) as two:
        one.send("secret")
        assert receive(two) == "secret"
        two.send("a" * 500_000)
        assert receive(one) == "a" * 500_000


def test_compression_is_spoken_when_it_is_switched_on(fws_server: Start) -> None:
    server = fws_server("--compression", "-f", "my_filters", module=CHAT_SERVER)
    with client(server) as one, client(server, compression=None) as two:
        assert [each.name for each in one.protocol.extensions] == ["permessage-deflate"]
        for connection in (one, two):
            connection.send("again and again and again " * 1000)
            assert receive(one) == receive(two) == "again and again and again " * 1000


@pytest.mark.parametrize("code", [1000, 1001, 1008, 1011, 3000, 4000, 4999])
def test_close_codes_and_reasons_reach_the_client(closing_server: FwsServer, code: int) -> None:
    with client(closing_server) as connection:
        connection.send(f"{code} because of {code}")
        with pytest.raises(ConnectionClosed) as caught:
            receive(connection)
        assert caught.value.rcvd is not None
        assert (caught.value.rcvd.code, caught.value.rcvd.reason) == (code, f"because of {code}")


def test_ping_timeout_ends_a_silent_client_and_no_other(fws_server: Start) -> None:
    server = fws_server("--ping_interval", "1", "--ping_timeout", "1")
    silent = server.open()
    with client(server) as alive:
        # The raw client answers nothing, the real one answers by itself.
        silent.body()
        server.wait_for("closed: ping timeout")
        alive.ping().wait(DEADLINE)
    silent.socket.close()


def test_a_compressed_bomb_costs_no_memory_and_disturbs_nobody(fws_server: Start) -> None:
    server = fws_server("--compression", "-f", "my_filters", module=CHAT_SERVER)
    data = bomb(200_000_000)
    with client(server) as bystander:
        before = server.peak()
        for fragments in (1, 10):
            with server.client() as raw:
                raw.send(head("/", [("Sec-WebSocket-Extensions", "permessage-deflate")]))
                assert raw.response().status == 101
                size = len(data) // fragments + 1
                for at in range(0, len(data), size):
                    last = at + size >= len(data)
                    raw.send(frame(data[at : at + size], 0 if at else BINARY, fin=last, rsv=0 if at else 4))
                # And a flood behind it.
                for _ in range(500):
                    raw.send(frame(b"x" * 60_000))
                assert raw.closed()[0] == 1009
        assert server.peak() - before < 8_000_000
        bystander.send("fine")
        assert receive(bystander) == "fine"

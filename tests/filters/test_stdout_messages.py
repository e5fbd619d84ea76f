"""Each message is printed."""

from filtered_websocket.filters.base import WebSocketMessageFilter
from filtered_websocket.testing.server import Server

STDOUT = "filtered_websocket.filters.stdout_messages"


def printed(capsys, *filters, payloads):
    with Server(*filters, STDOUT) as server:
        client = server.connect()
        name = client.connection.id
        for payload in payloads:
            client.send(payload)
        assert client.is_open
    return name, capsys.readouterr().out


def test_a_message_is_printed_with_its_sender(capsys):
    name, out = printed(capsys, payloads=["hi", b"\xff", "ä"])
    assert out == "".join(f"--MESSAGE--\n{name} => {text}\n" for text in ("hi", "\N{REPLACEMENT CHARACTER}", "ä"))


def test_what_a_filter_before_it_returned_is_printed_str_too(capsys):
    class Upper(WebSocketMessageFilter):
        @classmethod
        def filter(cls, web_socket_instance, data):
            return data.decode().upper()

    name, out = printed(capsys, Upper, payloads=["hi"])
    assert out == f"--MESSAGE--\n{name} => HI\n"


def test_the_message_goes_on_unchanged(capsys):
    seen = []

    class After(WebSocketMessageFilter):
        @classmethod
        def filter(cls, web_socket_instance, data):
            seen.append((type(data), bytes(data)))

    with Server(STDOUT, After) as server:
        server.connect().send("hi")
    assert seen == [(bytearray, b"hi")]

"""The bytes received are printed, the handshake included."""

from filtered_websocket.testing.server import Server

STDOUT = "filtered_websocket.filters.stdout_rawdata"


def test_the_handshake_and_every_frame_are_printed_and_go_on(capsys):
    with Server(STDOUT, "filtered_websocket.filters.broadcast_messages") as server:
        a, b = server.connect("/path"), server.connect()
        capsys.readouterr()
        a.send("hi")
        assert b.received() == ["hi"]
        out = capsys.readouterr().out
        assert out.startswith("--RAWDATA--\n\\x81\\x82")
    assert "GET" not in out


def test_the_handshake_comes_first(capsys):
    with Server(STDOUT) as server:
        server.connect("/path?x=1")
        assert capsys.readouterr().out.startswith("--RAWDATA--\nGET /path?x=1 HTTP/1.1\r\n")


def test_bytes_that_are_no_websocket_at_all_are_printed_too(capsys):
    with Server(STDOUT) as server:
        client = server.connect()
        capsys.readouterr()
        client.write(b"\xffgarbage\n")
        assert "\\xffgarbage\n" in capsys.readouterr().out

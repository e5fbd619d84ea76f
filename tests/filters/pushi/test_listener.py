"""The second port, which the original had for HTTP."""

import socket
from pathlib import Path
from types import SimpleNamespace

import pytest

from filtered_websocket.errors import ConfigError
from filtered_websocket.filters.pushi import listener
from tests.filters.pushi.test_options import resolved
from tests.support import certificates
from tests.support.http_client import ask, ask_on, connection
from tests.support.reactor_thread import call
from tests.support.serving import on_message, serving


@pytest.fixture
def listen():
    """Opens the port of these options, for a server that runs; its address."""
    with serving(on_message(lambda connection, data: None)) as served:
        opened = []

        def listen(*argv):
            pipeline = SimpleNamespace(options=resolved(*argv), server=served.server)
            port = call(listener.listen, pipeline)
            if port is None:
                return None
            opened.append(port)
            return port.socket.getsockname()[:2]

        yield listen
        for port in opened:
            call(port.stopListening)


def test_without_the_option_there_is_none(listen):
    assert listen() is None


def test_it_answers_what_the_first_port_does_and_serves_no_websocket(listen):
    address = listen("--pushi_rest_port", "0")
    assert ask(address, "GET", "/health/live").status == 200
    assert ask(address, "GET", "/").status == 426


def test_it_speaks_tls_where_it_has_a_key_and_only_then(listen, tmp_path):
    files = certificates.write(tmp_path)
    given = ("--pushi_rest_port", "0", "--pushi_rest_key", files.key, "--pushi_rest_cert", files.cert)
    client = connection(listen(*given), tls=True)
    assert ask_on(client, "GET", "/health/live").status == 200
    client.close()
    assert ask(listen(*given, "--pushi_rest_ssl", "0"), "GET", "/health/live").status == 200


def test_one_file_may_hold_key_and_certificate(listen, tmp_path):
    files = certificates.write(tmp_path)
    both = tmp_path / "both.pem"
    both.write_text("".join(Path(name).read_text(encoding="ascii") for name in (files.key, files.cert)))
    client = connection(listen("--pushi_rest_port", "0", "--pushi_rest_key", str(both)), tls=True)
    assert ask_on(client, "GET", "/health/live").status == 200
    client.close()


def test_a_port_that_is_taken_is_told_by_the_options_name(listen):
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(ConfigError) as refused:
        listen("--pushi_rest_port", str(taken.getsockname()[1]))
    assert str(refused.value).startswith("pushi_rest_port: ")


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["--pushi_server_ssl", "1"], "is 1: give SERVER_SSL_KEY and SERVER_SSL_CER"),
        (["--pushi_rest_port", "0", "--workers", "2"], "pushi_rest_port wants workers to be 1"),
        (["--pushi_rest_port", "0", "--pushi_rest_ssl", "1"], "pushi_rest_key and pushi_rest_cert: no key and cert"),
        (["--pushi_rest_port", "0", "--pushi_rest_key", "no.pem"], "pushi_rest_key and pushi_rest_cert: no key and c"),
    ],
)
def test_what_cannot_be_is_told_before_the_start(argv, says):
    with pytest.raises(ConfigError) as refused:
        listener.check(resolved(*argv))
    assert says in str(refused.value)


def test_a_server_that_speaks_tls_although_it_is_told_not_to_is_a_fault(tmp_path):
    files = certificates.write(tmp_path)
    with pytest.raises(ConfigError, match="is 0: leave key and certificate out"):
        listener.check(resolved("-key", files.key, "-cert", files.cert, "--pushi_server_ssl", "0"))


def test_its_certificate_is_read_again_in_a_reload_for_as_long_as_it_is_open(tmp_path):
    files = certificates.write(tmp_path)
    given = ("--pushi_rest_port", "0", "--pushi_rest_key", files.key, "--pushi_rest_cert", files.cert)
    with serving(on_message(lambda connection, data: None)) as served:
        port = call(listener.listen, SimpleNamespace(options=resolved(*given), server=served.server))
        assert [each.checksums.keys() for each in served.server.certificates] == [{files.key, files.cert}]
        call(port.stopListening)
        assert served.server.certificates == []

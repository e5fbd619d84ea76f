"""The options of the pack: what they are without being given, what the original called them, what they do not take."""

import pytest

from filtered_websocket.commands.fws_server.assembly import Assembly
from filtered_websocket.errors import ConfigError
from filtered_websocket.filters.pushi.options import OPTIONS
from tests.filters.pushi.clients import PUSHI


def resolved(*argv, **environment):
    assembly = Assembly(["-f", PUSHI, *argv], environment)
    assembly.load()
    return assembly.options()


def test_without_options_there_are_limits_and_nobody_makes_apps():
    found = resolved()
    assert {option.name.removeprefix("pushi_"): getattr(found, option.name) for option in OPTIONS} == {
        "apps": (),
        "admin_secret": "",
        "open_apps": False,
        "keep_events": 1000,
        "keep_seconds": 30 * 86400,
        "session_seconds": 86400,
        "signed_presence": False,
        "event_rate": 100,
        "max_event_size": 64 * 1024,
        "webhook_private": False,
        "sign_webhooks": False,
        "rest_port": None,
        "rest_host": "127.0.0.1",
        "rest_key": "",
        "rest_cert": "",
        "rest_ssl": None,
        "server_ssl": None,
    }
    assert found.port == 9090


def test_the_originals_environment_counts_and_our_names_count_more():
    environment = {"SERVER_HOST": "127.0.0.1", "SERVER_PORT": "7000", "APP_HOST": "::1", "APP_PORT": "7001"}
    environment |= {"APP_SSL": "0", "APP_SSL_KEY": "k.pem", "APP_SSL_CER": "c.pem"}
    found = resolved(**environment)
    assert (found.host, found.port) == ("127.0.0.1", 7000)
    assert (found.pushi_rest_host, found.pushi_rest_port, found.pushi_rest_ssl) == ("::1", 7001, False)
    assert (found.pushi_rest_key, found.pushi_rest_cert) == ("k.pem", "c.pem")
    assert resolved("--pushi_rest_port", "7002", **environment).pushi_rest_port == 7002


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("apps", '[{"id": "a/b", "key": "k", "secret": "a-secret-of-this-app"}]'),
        ("admin_secret", "a-secret-with-a-blank "),
        ("keep_events", "0"),
        ("keep_seconds", "-1"),
        ("session_seconds", "0"),
        ("event_rate", "-1"),
        ("max_event_size", "0"),
        ("rest_port", "65536"),
        ("rest_host", "no address"),
        ("rest_ssl", "maybe"),
    ],
)
def test_what_cannot_be_is_refused_by_its_name_and_no_secret_is_shown(name, value):
    with pytest.raises(ConfigError) as refused:
        resolved(f"--pushi_{name}", value)
    assert f"pushi_{name}" in str(refused.value)
    assert "a-secret" not in str(refused.value)

"""The options of plain HTTP: what they are without being given, and what is refused."""

import pytest

from filtered_websocket.commands.fws_server.assembly import Assembly
from filtered_websocket.errors import ConfigError
from filtered_websocket.web.options import OPTIONS


def resolved(*argv: str) -> object:
    assembly = Assembly(argv, {})
    assembly.load()
    return assembly.options()


def test_without_options_there_are_limits_and_nothing_may_be_published_or_seen_from_afar() -> None:
    found = resolved()
    assert {option.name: getattr(found, option.name) for option in OPTIONS} == {
        "http_request_timeout": 30,
        "http_idle_timeout": 75,
        "max_http_connections": 5000,
        "publish_secret": "",
        "admin_port": None,
        "admin_host": "127.0.0.1",
        "admin_secret": "",
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("http_request_timeout", "0"),
        ("http_idle_timeout", "nan"),
        ("max_http_connections", "-1"),
        ("publish_secret", "blank behind "),
        ("admin_port", "65536"),
        ("admin_host", "no address"),
        ("admin_secret", "blank behind "),
    ],
)
def test_what_cannot_be_is_refused_by_its_name_and_no_secret_is_shown(name: str, value: str) -> None:
    with pytest.raises(ConfigError) as refused:
        resolved(f"--{name}", value)
    assert name in str(refused.value)
    assert "blank behind " not in str(refused.value)

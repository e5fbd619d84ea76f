"""The options of the pack: what they are without being given, and what they do not take."""

import pytest

from filtered_websocket.commands.fws_server.assembly import Assembly
from filtered_websocket.errors import ConfigError
from filtered_websocket.filters.pusher.options import OPTIONS
from tests.filters.pusher.clients import PUSHER


def resolved(*argv, pack=PUSHER):
    assembly = Assembly(["-f", *pack.split(), *argv], {})
    assembly.load()
    return assembly.options()


def test_without_options_the_limits_are_pushers_and_no_hook_goes_inside():
    found = resolved()
    assert {option.name.removeprefix("pusher_"): getattr(found, option.name) for option in OPTIONS} == {
        "apps": (),
        "webhook_private": False,
        "webhook_delay": 3,
        "client_event_rate": 10,
        "max_event_size": 10 * 1024,
        "max_channel_name": 164,
        "max_members": 100,
        "max_member_size": 2048,
        "activity_timeout": 120,
        "cache_seconds": 1800,
    }


def test_alone_the_pack_has_a_port_of_its_own():
    beside = resolved(pack=f"{PUSHER} filtered_websocket.filters.wsps")
    assert (resolved().port, beside.port) == (6001, 9000)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("apps", '[{"id": "1", "key": "k", "secret": "a-secret-of-this-app", "more": 1}]'),
        ("apps", "{"),
        ("webhook_delay", "3601"),
        ("client_event_rate", "-1"),
        ("max_event_size", "0"),
        ("max_channel_name", "201"),
        ("max_members", "many"),
        ("max_member_size", "2GiB"),
        ("activity_timeout", "0"),
        ("cache_seconds", "0"),
    ],
)
def test_what_cannot_be_is_refused_by_its_name_and_no_secret_is_shown(name, value):
    with pytest.raises(ConfigError) as refused:
        resolved(f"--pusher_{name}", value)
    assert f"pusher_{name}" in str(refused.value)
    assert "a-secret" not in str(refused.value)

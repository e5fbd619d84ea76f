"""The options of the pack: what they take, and what is said of what they do not."""

import pytest

from tests.filters.wsps.faults import faults


def test_without_settings_the_port_is_the_originals_and_everything_allowed(options):
    found = options()
    assert (found.port, found.wsps_allowed_channels, found.wsps_authorization_manager) == (52525, ("*",), "")


def test_objects_and_lists_are_json_text_on_the_command_line(options):
    found = options("--wsps_allowed_channels", '["a", "b/*"]', "--wsps_publish_keys", '{"a": "k"}')
    assert found.wsps_allowed_channels == ("a", "b/*")
    assert found.wsps_publish_keys == {"a": "k"}


@pytest.mark.parametrize("local", ["ALLOWED_CHANNELS = ('*')", "ALLOWED_CHANNELS = '[\"*\"]'"])
def test_a_text_where_patterns_are_wanted_is_told_as_such(options, local):
    (found,) = faults(options, "--wsps_settings", "local_settings", local=local)
    assert found.startswith("local_settings.ALLOWED_CHANNELS: a JSON list of patterns is wanted")


def test_keys_do_not_show_where_options_are_shown(options):
    local = "PUBLISH_KEYS = {'a': 'hidden away'}\n"
    assert "hidden away" not in repr(options("--wsps_settings", "local_settings", local=local))

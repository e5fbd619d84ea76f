"""Options, and an existing local_settings.py, through the configuration of fws_server."""

import pytest

from filtered_websocket.filters.wsps import settings
from tests.filters.wsps.clients import WSPS
from tests.filters.wsps.faults import faults


def test_a_local_settings_gives_all_its_names(options):
    found = options(
        "--wsps_settings",
        "local_settings",
        local="LISTEN_ADDRESS = '127.0.0.1'\nLISTEN_PORT = 5000\nALLOWED_CHANNELS = ('a', 'b')\n"
        "SUBSCRIBE_KEYS = {'a': 's'}\nPUBLISH_KEYS = {'a': 'p'}\nSTATS_SECONDS = 5\nDEBUG = True\n"
        "AUTHORIZATION_MANAGER = 'wspsserver.auth:SettingsAuthManager'\n",
    )
    assert (found.host, found.port, found.log_level, found.wsps_stats_seconds) == ("127.0.0.1", 5000, "debug", 5)
    assert found.wsps_allowed_channels == ("a", "b")
    assert (found.wsps_subscribe_keys, found.wsps_publish_keys) == ({"a": "s"}, {"a": "p"})
    assert found.wsps_authorization_manager == "wspsserver.auth:SettingsAuthManager"


def test_the_spellings_of_the_readme_are_understood(options):
    local = "VALID_CHANNELS = ['a']\nAUTHORIZATION_MANAGER = 'wpsserver.auth.settings'\n"
    found = options("--wsps_settings", "local_settings", local=local)
    assert (found.wsps_allowed_channels, found.wsps_authorization_manager) == (("a",), "wpsserver.auth.settings")


def test_what_is_given_counts_more_than_a_local_settings(options):
    local = "LISTEN_PORT = 5000\nSTATS_SECONDS = 5\n"
    found = options("--wsps_settings", "local_settings", "-p", "6000", local=local, FWS_WSPS_STATS_SECONDS="7")
    assert (found.port, found.wsps_stats_seconds) == (6000, 7)


def test_a_local_settings_without_a_manager_means_the_originals(options):
    found = options("--wsps_settings", "local_settings", local="PUBLISH_KEYS = {'a': 'p'}\n")
    assert found.wsps_authorization_manager == settings.ORIGINAL_MANAGER


def test_one_pipeline_may_have_settings_of_its_own(options, tmp_path):
    config = tmp_path / "config.json"
    config.write_text(
        f'{{"pipelines": {{"/a": {{"filters": ["{WSPS}"], "wsps_settings": "local_settings"}}, "/b": ["{WSPS}"]}}}}'
    )
    local = "ALLOWED_CHANNELS = ('x',)\nLISTEN_PORT = 5000\n"
    found = options("-c", str(config), local=local)
    allowed = {pipeline.name: pipeline.options.wsps_allowed_channels for pipeline in found.pipelines}
    assert allowed == {"": ("*",), "/a": ("x",), "/b": ("*",)}
    assert found.port == 52525  # one entry does not say where the server listens


def test_faults_name_the_setting_and_where_it_stands_and_hide_keys(options):
    local = "LISTEN_PORT = 'many'\nPUBLISH_KEYS = ['the secret']\nAUTHORIZATION_MANAGER = 'json:dumps'\n"
    found = faults(options, "--wsps_settings", "local_settings", local=local)
    assert len(found) == 3
    assert any(fault.startswith("local_settings.LISTEN_PORT: an integer") for fault in found)
    assert any(fault.startswith("local_settings.PUBLISH_KEYS: a JSON object of patterns") for fault in found)
    assert any(fault.startswith("local_settings.AUTHORIZATION_MANAGER: a class") for fault in found)
    assert "the secret" not in "".join(found)


@pytest.mark.parametrize(
    ("value", "says"),
    [("no_such_settings", "ModuleNotFoundError"), ("../x", "the name of a module"), ("", "the name of a module")],
)
def test_settings_that_are_not_there_are_told(options, value, says):
    assert says in "".join(faults(options, f"--wsps_settings={value}"))


def test_a_manager_sees_the_old_names_with_the_values_that_count_and_the_users_own(options):
    local = "PUBLISH_KEYS = {'a': 'p'}\nWORD = 'mine'\nimport os as _os\n"
    found = options("--wsps_settings", "local_settings", "--wsps_subscribe_keys", '{"b": "s"}', local=local)
    seen = settings.for_managers(found)
    assert (seen.PUBLISH_KEYS, seen.SUBSCRIBE_KEYS, seen.WORD, seen.DEBUG) == ({"a": "p"}, {"b": "s"}, "mine", False)
    assert (seen.ALLOWED_CHANNELS, seen.VALID_CHANNELS, seen.LISTEN_PORT) == (("*",), ("*",), 52525)

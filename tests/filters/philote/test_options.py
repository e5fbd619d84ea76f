import pytest

from filtered_websocket.commands.fws_server.assembly import Assembly
from filtered_websocket.errors import ConfigError

PHILOTE = "filtered_websocket.filters.philote"
ORIGINAL = {
    "SECRET": "s",
    "PORT": "7000",
    "LOGLEVEL": "warning",
    "MAX_CONNECTIONS": "9",
    "READ_BUFFER_SIZE": "10",
    "WRITE_BUFFER_SIZE": "11",
    "CHECK_ORIGIN": "t",
}


def options(*argv, **environ):
    assembly = Assembly(argv, environ)
    assembly.load()
    return assembly.options()


def test_the_originals_environment_counts_while_it_is_the_only_pack():
    found = options("-f", PHILOTE, **ORIGINAL)
    assert (found.philote_secret, found.port, found.log_level) == ("s", 7000, "warn")
    assert (found.philote_max_connections, found.philote_check_origin) == (9, True)
    assert (found.philote_read_buffer_size, found.philote_write_buffer_size) == (10, 11)


def test_its_port_is_the_originals():
    assert options("-f", PHILOTE).port == 6380


@pytest.mark.parametrize(("level", "ours"), [("panic", "critical"), ("fatal", "critical"), ("DEBUG", "debug")])
def test_levels_of_go_are_levels_of_ours(level, ours):
    assert options("-f", PHILOTE, LOGLEVEL=level).log_level == ours


def test_our_names_count_more():
    found = options("-f", PHILOTE, "--philote_max_connections", "3", FWS_PHILOTE_SECRET="ours", **ORIGINAL)
    assert (found.philote_secret, found.philote_max_connections) == ("ours", 3)


def test_beside_another_pack_the_originals_names_are_refused_with_ours():
    with pytest.raises(ConfigError) as refused:
        options("-f", PHILOTE, "filtered_websocket.filters.wsps", SECRET="s", MAX_CONNECTIONS="5")
    assert "SECRET counts only while one pack is loaded; use FWS_PHILOTE_SECRET" in refused.value.faults
    assert any("FWS_PHILOTE_MAX_CONNECTIONS" in fault for fault in refused.value.faults)
    assert options("-f", PHILOTE, "filtered_websocket.filters.wsps").port == 9000


def test_faults_do_not_show_secrets(tmp_path):
    config = tmp_path / "config.json"
    config.write_text('{"philote_secret": 12345678, "philote_public_key": "/nowhere.pem"}')
    with pytest.raises(ConfigError) as refused:
        options("-c", str(config), "-f", PHILOTE)
    assert "12345678" not in str(refused.value)
    assert "No such file" in str(refused.value)


def test_a_previous_secret_without_its_end_is_told_before_the_server_starts(tmp_path):
    with pytest.raises(ConfigError, match=r"^philote_previous_secret and philote_previous_secret_until go together$"):
        options("-f", PHILOTE, "--philote_previous_secret", "old")
    config = tmp_path / "config.json"
    config.write_text('{"pipelines": {"/live": {"filters": ["%s"], "philote_previous_secret_until": 1}}}' % PHILOTE)  # noqa: UP031
    with pytest.raises(ConfigError, match=r"^pipelines\./live: philote_previous_secret and"):
        options("-c", str(config))

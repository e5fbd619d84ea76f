"""Declaring options, and the original names of the only pack."""

import pytest

from filtered_websocket.config import Configuration, Option, UsageError, integer, json_value, text
from filtered_websocket.config.option import Original
from filtered_websocket.errors import ConfigError
from tests.support.declared_options import PHILOTE_SECRET, PORT, SERVER, faults

PHILOTE = Original("philote", 6380, {"SECRET": "philote_secret", "PORT": "port"}, {})
EMIT_SECRET = Option("ws_emit_secret", text, None, "opens /emit", secret=True)
EMIT = Original("ws_emit", 8899, {"SECRET": "ws_emit_secret"}, {"--secret": "ws_emit_secret", "-s": "ws_emit_secret"})


def test_one_option_may_be_declared_twice_but_not_two_of_one_name_or_flag(configure):
    configuration = configure()
    configuration.declare([PORT], "another")
    assert configuration.declared["server"][0] is PORT
    with pytest.raises(ConfigError, match='the option "port" is declared by server and by mine'):
        configuration.declare([Option("port", integer(0, 5), 1, "")], "mine")
    with pytest.raises(ConfigError, match="the flag -p is declared by server and by mine"):
        configuration.declare([Option("path", text, "", "", flags=("-p",))], "mine")
    with pytest.raises(ConfigError, match="the flag -h is declared by fws_server and by mine"):
        configuration.declare([Option("high", text, "", "", flags=("-h",))], "mine")


@pytest.mark.parametrize("name", ["replace", "source", "flags", "a-b", "_a", "", "__class__"])
def test_a_name_that_cannot_be_an_attribute_and_a_key_is_refused(configure, name):
    with pytest.raises(ConfigError, match="mine: no option can be called"):
        configure().declare([Option(name, text, "", "")], "mine")


# Originals.


def test_the_only_packs_original_names_and_port_count(configure):
    configuration = configure(environ={"SECRET": "s3cret", "PORT": ""})
    configuration.declare([PHILOTE_SECRET], "philote", PHILOTE)
    configuration.declare([Option("colour", text, "red", "of a plain filter")], "plain")
    options = configuration.resolve()
    assert (options.port, options.source("port")) == (6380, "default")
    assert (options.philote_secret, options.source("philote_secret")) == ("s3cret", "SECRET")
    assert "default 6380" in configuration.help()
    assert "s3cret" not in repr(options)


def test_our_names_count_more_than_the_originals(configure):
    configuration = configure(environ={"PORT": "1", "FWS_PORT": "2"})
    configuration.declare([PHILOTE_SECRET], "philote", PHILOTE)
    assert configuration.resolve().port == 2


@pytest.mark.parametrize("argv", [("--secret", "x"), ("-s", "x"), ("--ws_emit_secret=x",)])
def test_the_only_packs_original_flags_count_and_show_in_the_help(configure, argv):
    configuration = Configuration(argv, {})
    configuration.declare([EMIT_SECRET], "ws_emit", EMIT)  # before the server's options, which must not matter
    configuration.declare(SERVER, "server")
    assert configuration.resolve().ws_emit_secret == "x"
    assert "--secret" in configuration.help()


def test_the_originals_flags_are_no_keys_of_the_file(configure):
    configuration = configure(file={"secret": "x"})
    configuration.declare([EMIT_SECRET], "ws_emit", EMIT)
    assert faults(configuration)[0].startswith('config.json: unknown option "secret"')


def test_beside_another_pack_the_originals_names_are_refused_with_ours(configure):
    configuration = configure("--secret", "x", environ={"SECRET": "x", "PORT": "1"})
    configuration.declare([PHILOTE_SECRET], "philote", PHILOTE)
    configuration.declare([EMIT_SECRET], "ws_emit", EMIT)
    assert faults(configuration, UsageError) == [
        "SECRET counts only while one pack is loaded; use FWS_PHILOTE_SECRET or FWS_WS_EMIT_SECRET",
        "PORT counts only while one pack is loaded; use FWS_PORT",
        "--secret counts only while one pack is loaded; use --ws_emit_secret",
    ]


def test_an_originals_name_that_is_refused_is_no_fault_where_ours_overrules_it(configure):
    configuration = configure("-p", "3", environ={"PORT": "1", "SECRET": "x", "FWS_PHILOTE_SECRET": "y"})
    configuration.declare([PHILOTE_SECRET], "philote", PHILOTE)
    configuration.declare([EMIT_SECRET], "ws_emit", EMIT)
    # The other pack's would be meant too.
    refused = "SECRET counts only while one pack is loaded; use FWS_PHILOTE_SECRET or FWS_WS_EMIT_SECRET"
    assert faults(configuration) == [refused]
    configuration.environ["FWS_WS_EMIT_SECRET"] = "z"
    assert configuration.resolve().port == 3
    assert "PORT counts only while one pack is loaded; use FWS_PORT; --port overrules it" in configuration.warnings


def test_two_packs_without_their_original_names_keep_our_default_port(configure):
    configuration = configure(environ={"PORT": ""})
    configuration.declare([PHILOTE_SECRET], "philote", PHILOTE)
    configuration.declare([PHILOTE_SECRET], "philote", PHILOTE)
    assert configuration.resolve().port == 6380
    configuration.declare([EMIT_SECRET], "ws_emit", EMIT)
    assert configuration.resolve().port == 9000


def test_an_original_flag_that_someone_else_declares_is_refused(configure):
    configuration = configure()
    configuration.declare([EMIT_SECRET], "ws_emit", EMIT)
    configuration.declare([Option("secret", text, "", "")], "plain")
    with pytest.raises(ConfigError, match="the flag --secret is declared by plain and by ws_emit"):
        configuration.resolve()


def test_an_original_name_of_an_option_that_nobody_declares_is_refused(configure):
    configuration = configure()
    configuration.declare([], "mine", Original("mine", 1, {"A": "alpha"}))
    assert faults(configuration) == ['mine: its original had a name for what is no option, "alpha"']


ALL_OF_MINE = Option("mine_environment", json_value(dict), {}, "what there is")
MINE = Original("mine", 8000, gathered=("MINE_", "mine_environment"))


def test_an_original_may_have_more_environment_names_than_can_be_listed(configure):
    environ = {"MINE_A": "1", "MINE_B_C": "2", "MINE_EMPTY": "", "OTHER": "3"}
    configuration = configure(environ=environ)
    configuration.declare([ALL_OF_MINE], "mine", MINE)
    options = configuration.resolve()
    assert options.mine_environment == {"MINE_A": "1", "MINE_B_C": "2"}
    assert options.source("mine_environment") == "MINE_A"
    configuration = configure(environ=environ | {"FWS_MINE_ENVIRONMENT": '{"own": "1"}'})
    configuration.declare([ALL_OF_MINE], "mine", MINE)
    assert configuration.resolve().mine_environment == {"own": "1"}


def test_they_count_while_one_pack_is_loaded(configure):
    configuration = configure(environ={"MINE_A": "1"})
    configuration.declare([ALL_OF_MINE], "mine", MINE)
    configuration.declare([PHILOTE_SECRET], "philote", PHILOTE)
    assert faults(configuration) == ["MINE_A counts only while one pack is loaded"]


def test_what_gathers_them_is_an_option(configure):
    configuration = configure()
    configuration.declare([], "mine", MINE)
    assert faults(configuration) == ['mine: its original had a name for what is no option, "mine_environment"']

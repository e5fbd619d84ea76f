import pytest

from filtered_websocket.config import Configuration, Option, text
from filtered_websocket.config.declarations import FILTERS
from filtered_websocket.config.uses import Use
from filtered_websocket.errors import ConfigError
from tests.support.declared_options import PORT, STORAGE, faults

# Order and sources.


def test_the_default_counts_least_then_the_file_then_the_environment_then_the_flag(configure):
    given_by = [{}, {"file": {"port": 1}}, {"environ": {"FWS_PORT": "2"}}]
    seen, together = [], {}
    for more in given_by:
        together |= more
        seen.append(configure(**together).resolve())
    seen.append(configure("--port", "3", **together).resolve())
    assert [options.port for options in seen] == [9000, 1, 2, 3]
    assert [options.source("port") for options in seen] == ["default", "config.json", "FWS_PORT", "--port"]


def test_a_switch_needs_no_value_but_may_be_overruled(configure):
    assert configure("--compression").resolve().compression is True
    assert configure("--compression=false", file={"compression": True}).resolve().compression is False
    assert configure(environ={"FWS_COMPRESSION": "on"}).resolve().compression is True


# What is refused.


def test_every_fault_is_named_with_its_place_in_one_go(configure):
    assert faults(
        configure(
            "--max_message_size=12q",
            environ={"FWS_PORT": "http", "FWS_COMPRESSION": ""},
            file={"port": True, "prot": 1, "key": 5, "apps": [], "flags": ["compresion", "port"]},
        )
    ) == [
        "config.json: port: an integer from 0 to 65535 is wanted, not true",
        'config.json: unknown option "prot"; did you mean "port"?',
        "config.json: key: text is wanted, in JSON between quotes, not 5",
        "config.json: apps: a JSON object is wanted",
        'config.json: flags: unknown option "compresion"; did you mean "compression"?',
        'config.json: flags: the option "port" takes a value',
        'FWS_PORT: an integer from 0 to 65535 is wanted, not "http"',
        'FWS_COMPRESSION: true or false is wanted, not ""',
        '--max_message_size: bytes from 1 to 1073741824 are wanted, such as 65536, 64k or 1M, not "12q"',
    ]


def test_a_wrong_value_that_loses_is_said_and_is_no_fault(configure):
    configuration = configure("-p", "1", environ={"FWS_PORT": "http"}, file={"port": True})
    assert configuration.early(PORT) == 1
    assert configuration.resolve().port == 1
    assert configuration.warnings == [
        "config.json: port: an integer from 0 to 65535 is wanted, not true; --port overrules it",
        'FWS_PORT: an integer from 0 to 65535 is wanted, not "http"; --port overrules it',
    ]
    assert configure(environ={"FWS_PORT": "2"}, file={"port": "x"}).resolve().port == 2


def test_a_wrong_value_that_counts_is_a_fault_whatever_it_overrules(configure):
    configuration = configure("-p", "x", environ={"FWS_PORT": "2"})
    with pytest.raises(ConfigError):
        configuration.early(PORT)
    assert faults(configuration) == ['-p (port): an integer from 0 to 65535 is wanted, not "x"']


def test_a_parser_may_be_a_plain_type(configure):
    configuration = configure(file={"depth": []})
    configuration.declare([Option("depth", int, 1, "how deep")], "mine")
    assert faults(configuration)[0].startswith("config.json: depth: int() argument must be")


def test_an_option_that_is_required_must_be_given(configure):
    needed = Option("token_file", text, None, "a file", required=True)
    for argv, wrong in (((), True), (("--token_file", "x"), False)):
        configuration = configure(*argv)
        configuration.declare([needed], "mine")
        if wrong:
            assert faults(configuration) == ["--token_file: mine cannot do without it"]
        else:
            assert configuration.resolve().token_file == "x"


# Declaring.


def test_an_option_may_be_known_early_while_others_are_not_declared_yet():
    configuration = Configuration(["-f", "a", "b", "--later", "x", "-cert", "c"], {"STORAGE_OBJECT_MODULE": "mine"})
    configuration.declare([STORAGE], "server")
    assert configuration.early(FILTERS) == [Use("a"), Use("b")]
    assert configuration.early(STORAGE) == "mine"
    assert configuration.filter_modules() == ("a", "b")


def test_an_early_value_that_is_wrong_is_a_fault(configure):
    with pytest.raises(ConfigError, match=r"config\.json: filters: filter modules are wanted"):
        configure(file={"filters": [5]}).early(FILTERS)

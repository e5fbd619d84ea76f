"""Flags in every spelling, the help, and what a parser of argparse adds."""

import argparse

import pytest

from filtered_websocket.config import Configuration, Option, UsageError, integer
from filtered_websocket.errors import ConfigError
from tests.support.declared_options import CERT, PHILOTE_SECRET, faults


@pytest.mark.parametrize(
    "argv", [("-p", "1"), ("-p1",), ("-p=1",), ("--port", "1"), ("--port=1",), ("-p", "2", "-p", "1")]
)
def test_a_flag_may_be_spelled_in_every_usual_way(configure, argv):
    options = configure(*argv).resolve()
    assert (options.port, options.source("port")) == (1, "--port")


@pytest.mark.parametrize("dashes", ["-", "--"])
def test_key_and_cert_take_one_dash_as_in_the_original(configure, dashes):
    options = configure(f"{dashes}key", "a.pem", f"{dashes}cert=b.pem").resolve()
    assert (options.key, options.cert, options.config) == ("a.pem", "b.pem", None)


def test_cert_is_no_configuration_file_called_ert_even_before_it_is_declared():
    configuration = Configuration(["-cert", "b.pem"], {})
    configuration.declare((CERT,), "server")
    assert configuration.resolve().cert == "b.pem"


def test_a_value_may_begin_with_a_dash_after_an_equals_sign_or_be_a_negative_number(configure):
    configuration = configure("--storage=-x", "--low", "-5")
    configuration.declare([Option("low", integer(-9, 0), 0, "how low")], "limits")
    options = configuration.resolve()
    assert (options.storage, options.low) == ("-x", -5)


@pytest.mark.parametrize(
    ("argv", "fault"),
    [
        (["--prot", "1"], 'unknown option --prot; did you mean "--port"?'),
        (["--max-message-size", "1"], 'unknown option --max-message-size; did you mean "--max_message_size"?'),
        (["--por", "1"], 'unknown option --por; did you mean "--port"?'),
        (["-ke", "k.pem"], 'unknown option -ke; did you mean "-key"?'),
        (["-q"], "unknown option -q"),
        (["--port"], "--port: a value is wanted"),
        (["-p", "--compression"], "-p (port): a value is wanted"),
        (["-p", "1", "2"], 'unexpected argument "2"'),
        (["--compression", "yes"], 'unexpected argument "yes"'),
        (["--admin_secret", "my", "s3cret"], "unexpected argument after --admin_secret"),
        (["serve"], 'unexpected argument "serve": filter modules stand behind -f: -f serve'),
        (["a b"], 'unexpected argument "a b"'),
        (["--check", "it"], 'unexpected argument "it"'),
        (["--che\nck"], 'unknown option --che\\nck; did you mean "--check"?'),
    ],
)
def test_a_command_line_that_cannot_be_read_is_a_usage_error(configure, argv, fault):
    assert faults(configure(*argv), UsageError) == [fault]


def test_a_wrong_value_of_a_flag_is_no_usage_error_but_beside_one_both_are_told(configure):
    wrong = '-p (port): an integer from 0 to 65535 is wanted, not "x"'
    assert faults(configure("-p", "x")) == [wrong]
    assert faults(configure("-p", "x", "-q"), UsageError) == [wrong, "unknown option -q"]


def redis_parser(parser):
    parser.add_argument("--redis_host", default="localhost", help="host (default %(default)s), 100%%")
    parser.add_argument("--redis_port", type=int, default="6379")
    parser.add_argument("--redis_channels", nargs="*", default=["global"])
    group = parser.add_argument_group("more")
    group.add_argument("--redis-mode", "-R", choices=["a", "b"], default="a")
    group.add_argument("--redis_fast", action="store_true")
    group.add_argument("--redis_pair", nargs=2, type=float)
    group.add_argument("--redis_password")
    return parser


def test_what_the_originals_storage_object_adds_to_a_parser_becomes_options(configure):
    configuration = configure(
        "--redis_channels", "a", "b", "--redis_fast", "-R", "b", "--redis_pair", "1", "2.5", "--redis_password", "pw",
        file={"redis_port": 6380, "redis-mode": "a"},
    )  # fmt: skip
    configuration.declare_parser(redis_parser, "redis")
    options = configuration.resolve()
    assert (options.redis_host, options.redis_port, options.redis_channels) == ("localhost", 6380, ["a", "b"])
    assert (options.redis_mode, options.redis_fast, options.redis_pair) == ("b", True, [1.0, 2.5])
    assert "host (default localhost), 100%" in configuration.help()
    assert "pw" not in repr(options)


def test_the_defaults_of_such_a_parser_are_what_argparse_makes_of_them(configure):
    configuration = configure()
    configuration.declare_parser(redis_parser, "redis")
    options = configuration.resolve()
    namespace = redis_parser(argparse.ArgumentParser()).parse_args([])
    assert {name: getattr(options, name) for name in vars(namespace)} == vars(namespace)


def test_values_of_such_a_parser_are_checked_as_argparse_would(configure):
    def parser(parser):
        def even(word):
            if int(word) % 2:
                raise argparse.ArgumentTypeError("an even number, please")
            return int(word)

        redis_parser(parser).add_argument("--even", type=even)
        parser.add_argument("--some", nargs="+")

    configuration = configure(
        "--redis_port", "x", "--redis-mode", "c", "--redis_pair", "1", "--even", "3", "--some",
        file={"redis_host": True, "redis_port": [], "redis_fast": 5},
    )  # fmt: skip
    configuration.declare_parser(parser, "redis")
    assert faults(configuration) == [
        "config.json: redis_host: text or a number is wanted, not true",
        "config.json: redis_port: text or a number is wanted",
        "config.json: redis_fast: true or false is wanted, not 5",
        '--redis_port: int is wanted, not "x"',
        '--redis-mode: one of a, b is wanted, not "c"',
        "--redis_pair: 2 values are wanted",
        '--even: an even number, please, not "3"',
        "--some: at least one value is wanted",
    ]


@pytest.mark.parametrize(
    "arguments",
    [("--x", {"action": "count"}), ("--x", {"action": "append"}), ("--x", {"action": "store_false"}), ("x", {}),
     ("--x", {"nargs": "?"}), ("--x", {"nargs": argparse.REMAINDER})],
)  # fmt: skip
def test_an_action_that_no_option_can_be_is_refused(configure, arguments):
    with pytest.raises(ConfigError, match=r"mine: .*x: a flag is wanted"):
        configure().declare_parser(lambda parser: parser.add_argument(arguments[0], **arguments[1]), "mine")


# Help and documentation.


@pytest.mark.parametrize(
    ("argv", "asked"),
    [
        ([], ""),
        (["-h"], "help"),
        (["--check", "--help"], "help"),
        (["-p", "1", "--check"], "check"),
        (["--version"], "version"),
    ],
)
def test_what_is_asked_for_instead_of_serving(configure, argv, asked):
    configuration = configure(*argv)
    assert configuration.asked == asked
    configuration.resolve()


def test_help_is_grouped_by_owner_and_shows_defaults_and_units(configure, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    configuration = configure()
    configuration.declare([PHILOTE_SECRET], "filters.philote")
    shown = configuration.help()
    assert shown.startswith("usage: fws_server [-h]")
    assert "100% of one message (bytes, default 1048576)" in shown
    # From Python 3.13 on, the value stands once.
    assert "-p PORT, --port PORT" in shown or "-p, --port PORT" in shown
    assert "-key KEY, --key KEY" in shown or "-key, --key KEY" in shown
    assert "--compression  " in shown
    for title in ("fws_server:", "server:", "filters.philote:"):
        assert f"\n{title}\n" in shown
    for flag in ("--check", "--list-filters", "--version", "--help", "--pipelines", "--config", "--filters"):
        assert flag in shown
    assert shown.isascii()

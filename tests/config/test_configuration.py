import argparse
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filtered_websocket.config import (
    Configuration,
    Option,
    Options,
    UsageError,
    boolean,
    choice,
    documentation,
    integer,
    json_value,
    seconds,
    size,
    text,
    words,
)
from filtered_websocket.config.declarations import FILTERS, PIPELINES
from filtered_websocket.config.option import Original
from filtered_websocket.errors import ConfigError

PORT = Option("port", integer(0, 65535), 9000, "where to listen", flags=("-p",))
KEY = Option("key", text, None, "PEM private key", flags=("-key",))
CERT = Option("cert", text, None, "PEM certificate", flags=("-cert",))
COMPRESSION = Option("compression", boolean, False, "permessage-deflate", switch=True)
MESSAGE = Option(
    "max_message_size", size(1, 1 << 30), 1 << 20, "100% of one message", unit="bytes", flags=("-m",), scope="pipeline"
)
SECRET = Option("admin_secret", text, "", "opens the dashboard", secret=True)
ORIGINS = Option("allowed_origins", words, [], "origins of pages", many=True)
APPS = Option("apps", json_value(dict), {}, "apps by key", scope="pipeline", secret=True)
STORAGE = Option("storage", text, "memory", "module of storage", environment=("STORAGE_OBJECT_MODULE",))
SERVER = (PORT, KEY, CERT, COMPRESSION, MESSAGE, SECRET, ORIGINS, APPS, STORAGE)

PHILOTE_SECRET = Option("philote_secret", text, "", "signs tokens", secret=True)
PHILOTE = Original("philote", 6380, {"SECRET": "philote_secret", "PORT": "port"}, {})
EMIT_SECRET = Option("ws_emit_secret", text, None, "opens /emit", secret=True)
EMIT = Original("ws_emit", 8899, {"SECRET": "ws_emit_secret"}, {"--secret": "ws_emit_secret", "-s": "ws_emit_secret"})


@pytest.fixture
def configure(tmp_path, monkeypatch):
    """Options of argv, environment and the text or the object of config.json."""
    monkeypatch.chdir(tmp_path)

    def configure(*argv, environ=(), file=None):
        if file is not None:
            content = file if isinstance(file, str) else json.dumps(file)
            (tmp_path / "config.json").write_text(content, encoding="utf-8")
            argv = ("-c", "config.json", *argv)
        configuration = Configuration(argv, dict(environ))
        configuration.declare(SERVER, "server")
        return configuration

    return configure


def faults(configuration, kind=ConfigError):
    with pytest.raises(ConfigError) as raised:
        configuration.resolve()
    assert type(raised.value) is kind
    assert all(fault.isprintable() for fault in raised.value.faults)
    return list(raised.value.faults)


# Parsers.

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()) | st.just("\ud800"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
LIKELY = st.from_regex(r"\A\s?[-+]?[0-9]{0,20}[.]?[0-9]{0,3}[kKmMgGeE]?[0-9]?\Z") | st.sampled_from(
    ["true", "F", "on", "nan", "inf", "-Infinity", "1e400", "[" * 100_000, "9" * 5000, "{}", '{"a": NaN}', "a b", "\0"]
)
PARSERS = {
    "integer": (integer(-5, 10**9), lambda value: type(value) is int and -5 <= value <= 10**9),
    "seconds": (seconds(0, math.inf), lambda value: type(value) is float and 0 <= value < math.inf),
    "size": (size(1, 1 << 40), lambda value: type(value) is int and 1 <= value <= 1 << 40),
    "boolean": (boolean, lambda value: type(value) is bool),
    "text": (text, lambda value: type(value) is str and value.encode("utf-8") is not None),
    "choice": (choice("a", "b c"), lambda value: value in ("a", "b c")),
    "words": (words, lambda value: type(value) is list and all(type(word) is str for word in value)),
    "object": (json_value(dict), lambda value: type(value) is dict),
    "list": (json_value(list), lambda value: type(value) is list),
    "int": (json_value(int), lambda value: type(value) is int),
}


@pytest.mark.parametrize("name", PARSERS)
def test_a_parser_gives_a_value_of_its_type_or_says_in_a_sentence_what_is_wanted(name):
    parse, right = PARSERS[name]

    @given(ANYTHING | LIKELY)
    def check(value):
        try:
            result = parse(value)
        except ValueError as error:
            sentence = str(error)
        else:
            assert right(result)
            sentence = "what is wanted"
        assert "wanted" in sentence or "is not JSON" in sentence or "is there twice" in sentence
        assert "\n" not in sentence

    check()


@given(st.integers(-5, 10**9))
def test_an_integer_is_the_same_from_text_and_from_json(number):
    parse = integer(-5, 10**9)
    assert parse(str(number)) == parse(number) == number


@given(st.floats(0, 1e9))
def test_seconds_are_the_same_from_text_and_from_json(number):
    assert seconds(0, 1e9)(repr(number)) == seconds(0, 1e9)(number) == number


@given(ANYTHING)
def test_json_is_the_same_from_text_and_from_the_file(value):
    check = json_value(lambda value: None)
    try:
        document = json.dumps(value, allow_nan=False)
    except ValueError:
        return
    assert check(document) == json.loads(document)


@pytest.mark.parametrize(
    ("given_", "value"), [("64k", 65536), ("1M", 1 << 20), ("2g", 2 << 30), (" 10 ", 10), (10, 10), ("0010", 10)]
)
def test_a_size_may_have_a_unit(given_, value):
    assert size(0, 1 << 40)(given_) == value


@pytest.mark.parametrize("value", ["64kb", "1.5M", "-1", 1.0, True, "k", "", None])
def test_other_sizes_are_refused(value):
    with pytest.raises(ValueError, match="64k"):
        size(0, 1 << 40)(value)


@pytest.mark.parametrize("yes", ["true", "1", "yes", "on", "t", "T", "TRUE", "True", True, 1])
def test_yes_has_many_spellings(yes):
    assert boolean(yes) is True


@pytest.mark.parametrize("no", ["false", "0", "no", "off", "f", "F", "FALSE", False, 0])
def test_no_has_many_spellings(no):
    assert boolean(no) is False


def test_true_is_no_number():
    for parse in (integer(0, 5), seconds(0, 5), size(0, 5), json_value(int)):
        with pytest.raises(ValueError):
            parse(True)


def test_a_check_of_json_may_give_the_value_to_use():
    assert json_value(lambda value: set(value))("[1, 1]") == {1}


def test_a_key_that_is_there_twice_is_refused():
    with pytest.raises(ValueError, match='"a" is there twice'):
        json_value(dict)('{"a": 1, "a": 2}')


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


def test_a_file_has_numbers_texts_comments_switches_and_the_keys_key_and_cert(configure):
    options = configure(
        file=' # mine\n{"port": "8000", "key": "k.pem",\n#"port": 1,\n "cert": "c.pem", "flags": ["compression"]}'
    ).resolve()
    assert (options.port, options.key, options.cert, options.compression) == (8000, "k.pem", "c.pem", True)
    assert options.source("compression") == "config.json"


def test_a_file_may_be_named_in_the_environment_and_begin_with_a_byte_order_mark(configure, tmp_path):
    (tmp_path / "other.json").write_bytes(b'\xef\xbb\xbf{"port": 5}')
    assert configure(environ={"FWS_CONFIG": "other.json"}).resolve().source("port") == "other.json"


def test_a_switch_needs_no_value_but_may_be_overruled(configure):
    assert configure("--compression").resolve().compression is True
    assert configure("--compression=false", file={"compression": True}).resolve().compression is False
    assert configure(environ={"FWS_COMPRESSION": "on"}).resolve().compression is True


def test_many_words_come_from_flags_the_environment_and_the_file(configure):
    assert configure("--allowed_origins", "a", "b", "-p", "1").resolve().allowed_origins == ["a", "b"]
    assert configure(environ={"FWS_ALLOWED_ORIGINS": "a b"}).resolve().allowed_origins == ["a", "b"]
    assert configure(file={"allowed_origins": ["a", "b"]}).resolve().allowed_origins == ["a", "b"]
    assert configure(file={"allowed_origins": "a"}).resolve().allowed_origins == ["a"]
    assert configure("--allowed_origins", file={"allowed_origins": "a"}).resolve().allowed_origins == []


def test_an_option_may_have_further_environment_names_which_count_less(configure):
    bare = {"STORAGE_OBJECT_MODULE": "mine"}
    assert configure(environ=bare).resolve().source("storage") == "STORAGE_OBJECT_MODULE"
    assert configure(environ=bare | {"FWS_STORAGE": "sqlite"}).resolve().storage == "sqlite"


def test_a_value_may_begin_with_a_dash_after_an_equals_sign_or_be_a_negative_number(configure):
    configuration = configure("--storage=-x", "--low", "-5")
    configuration.declare([Option("low", integer(-9, 0), 0, "how low")], "limits")
    options = configuration.resolve()
    assert (options.storage, options.low) == ("-x", -5)


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
        (["serve"], 'unexpected argument "serve"'),
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


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ('{\n# a comment\n"port" 1}', "config.json: JSON is wanted: Expecting ':' delimiter at line 3, column 8"),
        ("[]", "config.json: a JSON object is wanted"),
        ('{"port": 1, "port": 2}', 'config.json: the key "port" is there twice'),
        ("[" * 100_000, "config.json: JSON is wanted that is not nested so deeply"),
        ('{"flags": "compression"}', "config.json: flags: a list of options without a value is wanted"),
        ('{"config": "other.json"}', "config.json: config: a file cannot name another"),
        ('{"a\\nb\\ud800": 1}', 'config.json: unknown option "a\\nb\\ud800"'),
        ('{"-p": 1}', 'config.json: unknown option "-p"'),
    ],
)
def test_a_wrong_file_is_refused_in_one_line(configure, content, fault):
    assert faults(configure(file=content)) == [fault]


def test_a_file_that_cannot_be_read_is_a_fault_early_and_late_but_help_can_still_be_had(configure, tmp_path):
    (tmp_path / "latin.json").write_bytes(b'{"key": "\xe9"}')
    for path, reason in {
        "none.json": "No such file or directory",
        ".": "Is a directory",
        "latin.json": "UTF-8",
    }.items():
        configuration = configure("-c", path, "-h")
        assert configuration.asked == "help"
        assert "--port" in configuration.help()
        with pytest.raises(ConfigError, match=reason):
            configuration.early(FILTERS)
        assert len(faults(configuration)) == 1
    assert faults(configure(environ={"FWS_CONFIG": "\0"})) == [
        'FWS_CONFIG: text is wanted, in JSON between quotes, not "\\u0000"'
    ]


def test_an_unknown_environment_name_of_ours_is_only_a_warning(configure):
    configuration = configure(environ={"FWS_PROT": "1", "PATH": "/bin", "FWS_PORT": "2"})
    assert configuration.resolve().port == 2
    assert configuration.warnings == ['unknown environment name FWS_PROT; did you mean "FWS_PORT"?']


def test_a_file_with_secrets_that_all_can_read_is_warned_of_and_the_secrets_are_not_shown(configure, tmp_path):
    file = {"word": "x", "hidden": "s3cret", "pipelines": {"/a": {"filters": ["m"], "hidden": "s3cret", "word": "y"}}}
    configuration = configure("--hidden", "other", file=file)
    configuration.declare((Option("hidden", text, "", "a secret", secret=True, scope="pipeline"),), "server")
    configuration.declare((Option("word", text, "", "none", scope="pipeline"),), "server")
    (tmp_path / "config.json").chmod(0o644)
    configuration.resolve()
    (warning,) = configuration.warnings
    assert warning == (
        "config.json: all on this machine can read it, and it holds hidden, pipelines./a.hidden: chmod 600, or 640 for "
        "a group"
    )
    for mode in (0o600, 0o640):
        (tmp_path / "config.json").chmod(mode)
        configuration.resolve()
        assert configuration.warnings == []


def test_a_file_without_secrets_may_be_read_by_all(configure, tmp_path):
    configuration = configure(file={"hidden": "", "pipelines": {"/a": ["m"]}})
    configuration.declare((Option("hidden", text, "", "a secret", secret=True),), "server")
    (tmp_path / "config.json").chmod(0o644)
    configuration.resolve()
    assert configuration.warnings == []


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


LINK = {
    "FWS_PORT": "tcp://10.0.0.11:9000",
    "FWS_SERVICE_HOST": "10.0.0.11",
    "FWS_SERVICE_PORT": "9000",
    "FWS_SERVICE_PORT_HTTP": "9000",
    "FWS_PORT_9000_TCP": "tcp://10.0.0.11:9000",
    "FWS_PORT_9000_TCP_PROTO": "tcp",
    "FWS_PORT_9000_TCP_PORT": "9000",
    "FWS_PORT_9000_TCP_ADDR": "10.0.0.11",
}
"""What Kubernetes puts into a container for a Service called fws."""


@pytest.mark.parametrize(("words", "port"), [([], 9000), (["-p", "1"], 1)])
def test_a_service_link_is_passed_over_and_said_once(configure, words, port):
    configuration = configure(*words, environ=LINK)
    assert configuration.early(PORT) == configuration.resolve().port == port
    assert configuration.warnings == [
        "FWS_PORT is passed over: it is the link that Kubernetes makes of a Service called fws; "
        "enableServiceLinks: false in the pod leaves it out"
    ]


@pytest.mark.parametrize("value", ["udp://10.0.0.11:9000", "sctp://10.0.0.11:9000", "tcp://[fd00::1]:9000"])
def test_a_service_of_any_name_protocol_and_family_is_known(configure, value):
    environ = {"FWS_ADMIN_PORT": value, "FWS_ADMIN_SERVICE_HOST": "10.0.0.11", "FWS_ADMIN_PORT_9000_UDP": value}
    configuration = configure(environ=environ)
    configuration.declare([Option("admin_port", integer(0, 65535), None, "a port")], "web")
    assert configuration.resolve().admin_port is None
    assert len(configuration.warnings) == 1
    assert "a Service called fws-admin;" in configuration.warnings[0]


def test_what_is_like_a_service_link_and_is_none_is_a_fault(configure):
    for value in ("tcp://", "tcp://10.0.0.11", "http://10.0.0.11:9000", "tcp://10.0.0.11:x"):
        assert len(faults(configure(environ={"FWS_PORT": value}))) == 1
    configuration = configure(environ={"FWS_SERVICE_HOST": "10.0.0.11"})
    configuration.resolve()
    assert configuration.warnings == ["unknown environment name FWS_SERVICE_HOST"]


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
    assert configuration.early(FILTERS) == ["a", "b"]
    assert configuration.early(STORAGE) == "mine"
    assert configuration.filter_modules() == ("a", "b")


def test_an_early_value_that_is_wrong_is_a_fault(configure):
    with pytest.raises(ConfigError, match=r"config\.json: filters: words are wanted"):
        configure(file={"filters": [5]}).early(FILTERS)


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


def test_a_service_link_is_passed_over_under_an_originals_name_too(configure):
    configuration = configure(environ={"SERVER_PORT": "tcp://10.0.0.11:80", "SERVER_SERVICE_HOST": "10.0.0.11"})
    configuration.declare([], "pushi", Original("pushi", 9090, {"SERVER_PORT": "port"}))
    assert configuration.resolve().port == 9090
    (warning,) = configuration.warnings
    assert warning.startswith("SERVER_PORT is passed over: ")


def test_two_packs_without_their_original_names_keep_our_default_port(configure):
    configuration = configure(environ={"PORT": ""})
    configuration.declare([PHILOTE_SECRET], "philote", PHILOTE)
    configuration.declare([PHILOTE_SECRET], "philote", PHILOTE)
    assert configuration.resolve().port == 6380
    configuration.declare([EMIT_SECRET], "ws_emit", EMIT)
    assert configuration.resolve().port == 9000


def test_without_packs_bare_environment_names_are_not_ours(configure):
    assert configure(environ={"PORT": "1", "SECRET": "x"}).resolve().port == 9000


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


# Pipelines.


def test_without_pipelines_the_filters_serve_all_paths(configure):
    (pipeline,) = configure().resolve().pipelines
    assert (pipeline.name, pipeline.patterns, pipeline.filters) == ("", ("*",), tuple(FILTERS.default))
    assert pipeline.options.port == 9000


def test_a_pipeline_has_patterns_filters_and_options_of_its_own(configure):
    pipelines = {
        "/chat": ["chat", "both"],
        "/app/* /apps/*": {"filters": ["both", "pushi"], "max_message_size": "64k", "apps": {"a": "s3cret"}},
    }
    configuration = configure("-m", "5", file={"filters": ["plain"], "pipelines": pipelines})
    options = configuration.resolve()
    other, chat, app = options.pipelines
    assert other.filters == ("plain",)
    assert (chat.name, chat.patterns, chat.filters) == ("/chat", ("/chat",), ("chat", "both"))
    assert (app.name, app.patterns, app.filters) == ("/app/*", ("/app/*", "/apps/*"), ("both", "pushi"))
    assert [each.options.max_message_size for each in options.pipelines] == [5, 5, 65536]
    assert app.options.source("max_message_size") == "config.json: pipelines./app/* /apps/*"
    assert app.options.apps == {"a": "s3cret"}
    assert app.options.filters == ["both", "pushi"]
    assert options.max_message_size == 5
    assert configuration.filter_modules() == ("plain", "chat", "both", "pushi")
    assert "s3cret" not in repr(options)


def test_with_pipelines_and_no_filters_other_paths_have_none(configure):
    configuration = configure("--pipelines", '{"/chat": "chat"}')
    assert [pipeline.name for pipeline in configuration.resolve().pipelines] == ["/chat"]
    assert configuration.filter_modules() == ("chat",)


def test_faults_in_pipelines_are_named_with_their_path(configure):
    pipelines = {
        "/chat": {"filters": ["chat"], "max_mesage_size": 1, "max_message_size": True, "port": 1},
        "/app": {"max_message_size": 1},
        "/chat /more": [],
        "more": [],
        "": [],
        "/number": 5,
        "/same /same": [],
    }
    assert faults(configure(file={"pipelines": pipelines, "filters": 5})) == [
        "config.json: filters: words are wanted, in JSON a list of texts, not 5",
        'config.json: pipelines./app: "filters" are wanted, a list of modules',
        "config.json: pipelines./chat /more: a path is wanted that is not there already",
        "config.json: pipelines.more: paths are wanted that begin with / or *",
        "config.json: pipelines.: paths are wanted that begin with / or *",
        "config.json: pipelines./number: words are wanted, in JSON a list of texts",
        "config.json: pipelines./same /same: a path is wanted that is not there already",
        'config.json: unknown option "max_mesage_size" at pipelines./chat; did you mean "max_message_size"?',
        "config.json: pipelines./chat.max_message_size: bytes from 1 to 1073741824 are wanted, such as 65536, 64k or "
        "1M, not true",
        'config.json: the option "port" at pipelines./chat is one of the whole server',
    ]
    with pytest.raises(ConfigError):
        configure(file={"pipelines": pipelines}).filter_modules()


def test_pipelines_that_are_no_object_are_refused_without_showing_them(configure):
    assert faults(configure("--pipelines", '{"/a": s3cret')) == [
        "--pipelines: JSON is wanted: Expecting value at line 1, column 8"
    ]


# Options.


def test_options_are_frozen_and_say_which_names_there_are(configure):
    options = configure().resolve()
    with pytest.raises(AttributeError, match='there is no option "prot"; did you mean "port"'):
        options.prot  # noqa: B018
    with pytest.raises(AttributeError, match="no option"):
        options.source("prot")
    with pytest.raises(AttributeError, match="no option"):
        options.replace(prot=1)
    with pytest.raises(AttributeError, match="frozen"):
        options.port = 1
    with pytest.raises(AttributeError, match="frozen"):
        del options.port
    assert not hasattr(options, "anything")


def test_replaced_options_are_others(configure):
    options = configure().resolve()
    replaced = options.replace(port=1)
    assert isinstance(replaced, Options)
    assert (options.port, replaced.port, replaced.source("port"), replaced.key) == (9000, 1, "replace", None)


def test_iterating_gives_options_values_and_sources(configure):
    assert (PORT, 5, "--port") in list(configure("-p5").resolve())


def test_a_secret_shows_nowhere(configure):
    configuration = configure("--admin_secret", "s3cret")
    options = configuration.resolve()
    assert options.admin_secret == "s3cret"
    assert "s3cret" not in repr(options)
    hidden = Option("hidden_secret", integer(0, 5), "s3cret", "", secret=True)
    configuration = configure(file={"hidden_secret": "s3cret"})
    configuration.declare([hidden], "mine")
    assert faults(configuration) == ["config.json: hidden_secret: an integer from 0 to 5 is wanted"]
    assert "s3cret" not in configuration.help() + documentation(configuration.declared)


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
    assert "-p PORT, --port PORT" in shown
    assert "-key KEY, --key KEY" in shown
    assert "--compression  " in shown
    for title in ("fws_server:", "server:", "filters.philote:"):
        assert f"\n{title}\n" in shown
    for flag in ("--check", "--version", "--help", "--pipelines", "--config", "--filters"):
        assert flag in shown
    assert shown.isascii()


def test_the_documentation_is_a_table_of_what_is_declared(configure):
    assert documentation(
        {"server": [PORT, MESSAGE, STORAGE], "mine": [Option("bar", text, "a|b", "a|b", secret=True)]}
    ) == (
        "## server\n\n"
        "| name | flag | environment | default | unit | help |\n"
        "|---|---|---|---|---|---|\n"
        "| `port` | `-p`, `--port` | `FWS_PORT` | `9000` |  | where to listen |\n"
        "| `max_message_size` | `-m`, `--max_message_size` | `FWS_MAX_MESSAGE_SIZE` | `1048576` | bytes "
        "| 100% of one message (each pipeline may have its own) |\n"
        "| `storage` | `--storage` | `FWS_STORAGE`, `STORAGE_OBJECT_MODULE` | `memory` |  | module of storage |\n"
        "\n## mine\n\n"
        "| name | flag | environment | default | unit | help |\n"
        "|---|---|---|---|---|---|\n"
        "| `bar` | `--bar` | `FWS_BAR` | `hidden` |  | a\\|b |\n"
    )
    assert "`filters`" in documentation(configure().declared)
    assert PIPELINES in configure().declared["fws_server"]

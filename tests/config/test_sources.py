"""The file and the environment."""

import pytest

from filtered_websocket.config import Option, text
from filtered_websocket.config.declarations import FILTERS
from filtered_websocket.errors import ConfigError
from tests.support.declared_options import faults


def test_a_file_has_numbers_texts_comments_switches_and_the_keys_key_and_cert(configure):
    options = configure(
        file=' # mine\n{"port": "8000", "key": "k.pem",\n#"port": 1,\n "cert": "c.pem", "flags": ["compression"]}'
    ).resolve()
    assert (options.port, options.key, options.cert, options.compression) == (8000, "k.pem", "c.pem", True)
    assert options.source("compression") == "config.json"


def test_a_file_may_be_named_in_the_environment_and_begin_with_a_byte_order_mark(configure, tmp_path):
    (tmp_path / "other.json").write_bytes(b'\xef\xbb\xbf{"port": 5}')
    assert configure(environ={"FWS_CONFIG": "other.json"}).resolve().source("port") == "other.json"


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


def test_without_packs_bare_environment_names_are_not_ours(configure):
    assert configure(environ={"PORT": "1", "SECRET": "x"}).resolve().port == 9000

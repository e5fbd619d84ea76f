import pytest

from filtered_websocket.commands.fws_admin.arguments import parser


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("", "VERB"),
        ("look", "invalid choice"),
        ("--url localhost:9000 channels", "no address"),
        ("connections --limit 0", "1 to 1000"),
        ("connections --limit x", "1 to 1000"),
        ("connections --sort name", "invalid choice"),
        ("trace", "one of the arguments --user --id --channel is required"),
        ("trace --user a --id b", "not allowed with"),
        ("kick --usr ann", "unrecognized"),
    ],
)
def test_what_cannot_be_meant_is_told(words: str, says: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parser().parse_args(words.split())
    assert ended.value.code == 2
    assert says in capsys.readouterr().err


def test_a_verb_has_what_it_takes() -> None:
    given = parser().parse_args(["--json", "kick", "--user", "ann", "--code", "4001"])
    assert (given.json, given.verb, given.user, given.code, given.id) == (True, "kick", "ann", 4001, None)


@pytest.mark.parametrize("verb", ["connections", "channels", "trace --id x", "kick x"])
def test_what_is_said_of_the_server_stands_before_a_verb_or_behind_it(verb: str) -> None:
    said = "--json --url http://there:1 --secret s"
    for words in (f"{said} {verb}", f"{verb} {said}", f"--url http://there:1 {verb} --json --secret s"):
        given = parser().parse_args(words.split())
        assert (given.json, given.url, given.secret) == (True, "http://there:1", "s")
    plain = parser().parse_args(verb.split())
    assert (plain.json, plain.url, plain.secret) == (False, "http://localhost:9000", None)

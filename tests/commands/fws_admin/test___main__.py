"""`fws_admin` in this process, to a server in it."""

import json
from collections.abc import Iterator
from contextlib import nullcontext

import pytest

from filtered_websocket.commands.fws_admin.__main__ import main
from tests.support.reactor_thread import until
from tests.support.serving import Served, serving
from tests.support.steering import Named, Spread


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with serving(Named, Spread, admin_secret="admin") as served:
        yield served


class Ran:
    def __init__(self, capsys: pytest.CaptureFixture[str], served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
        self._capsys, self._url = capsys, f"http://127.0.0.1:{served.address[1]}"
        monkeypatch.setenv("FWS_ADMIN_SECRET", "admin")

    def __call__(self, *words: str, code: int = 0, url: str = "") -> str:
        with pytest.raises(SystemExit) if code else nullcontext() as ended:
            main(["--url", url or self._url, *words])
        assert ended is None or ended.value.code == code
        said = self._capsys.readouterr()
        return said.out if code == 0 else said.err


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], served: Served, monkeypatch: pytest.MonkeyPatch) -> Ran:
    return Ran(capsys, served, monkeypatch)


def test_connections_are_listed_shown_and_ended(run: Ran, served: Served) -> None:
    with served.open("/?user=ann&id=a/b%20c") as client:
        client.send("+room")
        until(lambda: [each.channels for each in served.users.values()] == [{"room"}])
        assert run("connections", "--user", "ann").splitlines()[1].split()[:4] == ["a/b", "c", "ann", "127.0.0.1"]
        assert json.loads(run("--json", "connections"))["total"] == 1
        assert "channels: room\n" in run("connections", "a/b c")
        assert run("channels").splitlines()[1].split()[:3] == ["room", "*", "1"]
        assert "subscribers: 1\n" in run("channels", "room")
        assert run("kick", "a/b c", "--code", "4000") == "1 ended\n"
        assert client.closed() == (4000, "")
    assert run("kick", "--user", "ann") == "0 ended\n"


def test_a_trace_ends_when_its_time_is_over(run: Ran) -> None:
    assert run("trace", "--user", "ann", "--seconds", "1").splitlines() == [
        "tracing 0 connections on 1 processes",
        "the time of the trace is over",
    ]


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        ("connections none", 1, "refuses: there is no such connection"),
        ("kick none", 1, "refuses: there is no such connection"),
        ("kick", 2, "whom?"),
        ("kick --user a --code 7", 1, "refuses: the parameter code is a whole number"),
        ("trace --user a --seconds 0", 1, "refuses: the parameter seconds"),
        ("--secret wrong channels", 1, "refuses: admin_secret is wanted"),
    ],
)
def test_what_does_not_work_is_told_in_a_line(run: Ran, words: str, code: int, says: str) -> None:
    said = run(*words.split(), code=code)
    assert says in said
    assert len(said.splitlines()) == (1 if code == 1 else said.count("\n"))


def test_a_server_that_is_none_is_told(run: Ran) -> None:
    assert "cannot reach http://127.0.0.1:9" in run("channels", code=1, url="http://127.0.0.1:9")
    assert "has ended" in run("trace", "--id", "x", code=1, url="http://127.0.0.1:9")

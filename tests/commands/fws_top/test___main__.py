"""fws_top against the real server."""

import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.answering import answering
from tests.support.fws_server import FwsServer
from tests.support.http_client import ask
from tests.support.programs import Program, Terminal, run, run_unread

WSPS = "filtered_websocket.filters.wsps"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[FwsServer]:
    broadcast = "filtered_websocket.filters.broadcast_messages"
    (tmp_path / "config.json").write_text(
        f'{{"max_message_size": 1000, "filters": ["{broadcast}"], "pipelines": {{"/wsps": ["{WSPS}"]}}}}'
    )
    with FwsServer("-c", "config.json", "-p", "0", "--host", "127.0.0.1", cwd=tmp_path) as server:
        yield server
        server.drop_clients()


def url(server: FwsServer) -> str:
    return f"http://127.0.0.1:{server.port}"


def column(text: str, title: str, row: str) -> str:
    """A cell of a table, in the row that begins with this word."""
    lines = [line.split() for line in text.splitlines()]
    head = next(line for line in lines if title in line)
    values = next(line for line in lines[lines.index(head) + 1 :] if line and line[0] == row)
    return values[head.index(title)]


def test_one_table_in_a_pipe_has_all_and_no_colours(server: FwsServer) -> None:
    clients = [server.open(), server.open(), server.open("/wsps")]
    too_large = server.open()
    too_large.send("x" * 2000)
    assert too_large.closed()[0] == 1009
    shown = run("fws_top", url(server), "--interval", "0.1")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "\x1b" not in shown.stdout
    assert re.match(rf"{url(server)}/metrics +filtered_websocket [0-9.]+ +ready +up 00:0\d:\d\d ", shown.stdout)
    assert [column(shown.stdout, "clients", row) for row in ("*", "/wsps", "all")] == ["2", "1", "3"]
    assert column(shown.stdout, "storage", "ready") == "ready"
    assert re.search(r"^closed +protocol error 1009 +1 +0$", shown.stdout, re.MULTILINE), shown.stdout
    assert run("fws_top", "--once", f"{url(server)}/metrics", "--interval", "0.1").returncode == 0
    for client in clients:
        client.quit()


def test_rates_are_those_of_the_moment(server: FwsServer) -> None:
    a, b = server.open(), server.open()
    with Program("fws_top", "--once", url(server), "--interval", "2") as top:
        # It has read once as soon as its request has been answered: the second reading sees what is sent from now on.
        asked = 0
        while answered(server) == asked:
            asked += 1
        for number in range(200):
            a.send(str(number))
        assert [b.text() for _ in range(200)][-1] == "199"
        assert top.wait() == 0
        shown = top.rest()
    received = float(column(shown, "in/s", "*"))
    assert 20 < received <= 100  # 200 in the two seconds between the readings, or more on a busy machine
    assert float(column(shown, "out/s", "*")) == pytest.approx(received, rel=0.05)


def answered(server: FwsServer) -> float:
    """How many requests by HTTP the server has answered, this one not among them."""
    text = ask(("127.0.0.1", server.port), "GET", "/metrics").body.decode()
    found = re.search(r'fws_http_responses_total\{status="2xx"\} (\S+)', text)
    return float(found[1]) if found else 0


def test_a_terminal_is_kept_up_to_date_until_q(server: FwsServer) -> None:
    with Terminal("fws_top", url(server), "--interval", "0.1") as top:
        top.until(r"pipeline +clients")
        top.until(r"\n\* +0 ")
        client = server.open()
        top.until(r"\n\* +1 ")
        client.quit()
        top.until(r"\n\* +0 ")
        top.press("q")
        assert top.wait() == 0
        assert "\x1b[?1049h" in top.text
        assert top.text.rstrip().endswith("\x1b[?25h\x1b[?1049l")


def test_keys_show_connections_and_channels(server: FwsServer) -> None:
    with Terminal("fws_top", url(server), "--interval", "0.2") as top:
        top.until("pipeline +clients")
        client = server.open()
        top.press("2")
        top.until("1 of 1 connections, oldest first")
        top.press("\x1b[Bx")
        top.until("y ends it")
        top.press("y")
        top.until("only with admin_secret, or on admin_port")
        top.press("3")
        top.until("1 of 1 channels")
        top.press("1")
        top.until(r"\n\* +1 ")
        top.press("q")
        assert top.wait() == 0
        client.quit()


def test_ctrl_c_ends_it_quietly(server: FwsServer) -> None:
    with Terminal("fws_top", url(server)) as top:
        top.until("pipeline +clients")
        top.press("\x03")
        assert top.wait() == 130
        assert "Traceback" not in top.text


def test_a_server_that_goes_is_told_of_and_its_successor_shown(tmp_path: Path) -> None:
    arguments = ("--host", "127.0.0.1")
    with FwsServer(*arguments, "-p", "0", cwd=tmp_path) as first:
        port = str(first.port)
        client = first.open()
        top = Terminal("fws_top", url(first), "--interval", "0.1")
        with top:
            top.until(r"\n\* +1 ")
            client.quit()
            first.signal()
            first.wait()
            top.until("cannot reach http://127.0.0.1:.*Connection refused")
            with FwsServer(*arguments, "-p", port, cwd=tmp_path) as second:
                top.until("ready +up 00:00:0")
                second.open()
                top.until(r"\n\* +1 ")


def test_the_admin_secret_is_needed_to_see(tmp_path: Path) -> None:
    with FwsServer("--admin_secret", "sesame", cwd=tmp_path) as server:
        good = run("fws_top", url(server), "--interval", "0.1", FWS_ADMIN_SECRET="sesame")
        assert (good.returncode, good.stderr) == (0, "")
        assert run("fws_top", url(server), "--interval", "0.1", "--secret", "sesame").returncode == 0
        for secret in ("", "barley"):
            bad = run("fws_top", url(server), FWS_ADMIN_SECRET=secret)
            assert (bad.returncode, bad.stdout, bad.stderr.count("\n")) == (1, "", 1)
            assert bad.stderr.startswith(f"fws_top: {url(server)}/metrics refuses: 401 ")
            assert "barley" not in bad.stderr


def test_an_address_without_such_a_server_is_1_with_one_line(server: FwsServer) -> None:
    for address, says in [
        ("http://127.0.0.1:1", "cannot reach http://127.0.0.1:1/metrics: Connection refused"),
        ("http://nowhere.invalid", "cannot reach http://nowhere.invalid/metrics: "),
        (f"{url(server)}/health/live", "answers, but not with the metrics of fws_server"),
        (f"{url(server)}/nothing", "/nothing refuses: 4"),
    ]:
        shown = run("fws_top", address)
        assert (shown.returncode, shown.stdout, shown.stderr.count("\n")) == (1, "", 1)
        assert says in shown.stderr


@pytest.mark.parametrize(
    "words", [["ftp://x"], ["localhost:9000"], ["--interval", "0"], ["--interval", "x"], ["a", "b"]]
)
def test_bad_usage_is_2(words: list[str]) -> None:
    shown = run("fws_top", *words)
    assert (shown.returncode, shown.stdout) == (2, "")
    assert shown.stderr.startswith("usage: fws_top")


def test_help_has_an_example() -> None:
    shown = run("fws_top", "--help")
    assert shown.returncode == 0
    assert "examples:\n  fws_top " in shown.stdout


def test_it_dies_quietly_when_nobody_reads_its_output(server: FwsServer) -> None:
    assert run_unread("fws_top", url(server), "--interval", "0.1") == (-signal.SIGPIPE, "")


def test_what_refuses_has_one_line_whatever_it_says() -> None:
    with answering(403, "no\r\nfws_top: all is well\x85\x1b[2J") as (address, _):
        shown = run("fws_top", address)
    assert (shown.returncode, shown.stdout) == (1, "")
    says = r"no\r\nfws_top: all is well\x85\x1b[2J"
    assert shown.stderr == f"fws_top: {address}/metrics refuses: 403 {says}\n"


def test_bad_usage_shows_what_it_was_given_and_does_not_obey_it() -> None:
    shown = run("fws_top", "http://h", "\x1b[2J")
    assert (shown.returncode, "\x1b" in shown.stderr) == (2, False)
    assert r"\x1b[2J" in shown.stderr

"""fws_top against the real server."""

import math
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from filtered_websocket.commands.exits import Ended
from filtered_websocket.commands.fws_top.figures import Figures
from filtered_websocket.commands.fws_top.panel import panel
from filtered_websocket.commands.fws_top.scrape import read
from filtered_websocket.commands.terminal import console
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


def test_who_has_the_admin_secret_sees_and_nobody_else(tmp_path: Path) -> None:
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


# Figures.


def scraped(moment: float, born: float, messages: int, ticks: list[float]) -> str:
    registry = CollectorRegistry()
    Gauge("fws_ready", "", registry=registry).set(1)
    Gauge("process_start_time_seconds", "", registry=registry).set(born)
    Gauge("fws_connections", "", ["pipeline"], registry=registry).labels("*").set(3)
    Counter("fws_messages_received", "", ["pipeline"], registry=registry).labels("*").inc(messages)
    lag = Histogram("fws_reactor_lag_seconds", "", buckets=(0.01, 0.1, 1), registry=registry)
    for tick in ticks:
        lag.observe(tick)
    return generate_latest(registry).decode()


def test_a_restart_between_two_readings_gives_no_rates_and_no_negative_ones() -> None:
    before = read(scraped(0, 100, 1000, []), 0, "")
    assert Figures(before, read(scraped(2, 100, 1500, []), 2, "")).pipelines()["*"]["in/s"] == 250
    again = Figures(before, read(scraped(2, 101, 10, []), 2, ""))
    assert str(again.pipelines()["*"]["in/s"]) == "nan"
    assert again.pipelines()["*"]["clients"] == 3


def test_the_lag_is_that_between_the_readings() -> None:
    before, ticks = read(scraped(0, 1, 0, [5.0] * 50), 0, ""), [5.0] * 50 + [0.005] * 98 + [0.05] * 2
    mean, most = Figures(before, read(scraped(2, 1, 0, ticks), 2, "")).lag()
    assert mean == pytest.approx(0.0059)
    assert most == 0.1
    assert str(Figures(before, before).lag()) == "(nan, nan)"


@pytest.mark.parametrize("text", ["", "<html>", "a_metric 1\n", "fws_ready{ 1\n", "{}"])
def test_what_is_no_metrics_of_ours_is_refused(text: str) -> None:
    with pytest.raises(Ended, match="not with the metrics of fws_server"):
        read(text, 0, "http://h/metrics")


# What comes from outside.


STEERS = "[/b][red]:smile: \x1b]0;title\x07\x1b[2J\u202eevil"


def with_names(name: str) -> str:
    """Metrics in which every label is this name."""
    registry = CollectorRegistry()
    Gauge("fws_ready", "", registry=registry).set(1)
    Gauge("fws_info", "", ["version"], registry=registry).labels(name).set(1)
    Gauge("fws_connections", "", ["pipeline"], registry=registry).labels(name).set(3)
    for what in ("refused", "closed", "dropped", "failed"):
        Counter(f"fws_{what}", "", ["reason"], registry=registry).labels(name).inc()
    Counter("fws_filter_held_reactor", "", ["filter"], registry=registry).labels(name).inc()
    labels = ["pipeline", "event", "filter"]
    Histogram("fws_filter_sampled_seconds", "", labels, registry=registry).labels(name, name, name).observe(1)
    return generate_latest(registry).decode()


def test_text_from_outside_is_shown_and_not_obeyed_in_a_pipe() -> None:
    with answering(200, with_names(STEERS)) as (address, _):
        shown = run("fws_top", address, "--interval", "0.1")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert shown.stdout.count("[/b][red]:smile: \\x1b]0;title\\x07\\x1b[2J\\u202eevil") == 10
    assert all(line.isprintable() for line in shown.stdout.split("\n"))


def test_text_from_outside_is_shown_and_not_obeyed_at_a_terminal() -> None:
    with answering(200, with_names("[/b]\x1b]0;title\x07")) as (address, _), Terminal("fws_top", address) as top:
        top.until(r"\[/b\]\\x1b\]0;title\\x07 +3 ")
        top.press("q")
        assert top.wait() == 0
        assert "\x1b]0;" not in top.text


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


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(status: int) -> None:
    with (
        answering(200, scraped(1, 1, 1, [])) as (other, others),
        answering(status, "", Location=f"{other}/metrics") as (address, asked),
    ):
        shown = run("fws_top", address, FWS_ADMIN_SECRET="sesame")
    assert (shown.returncode, shown.stdout, shown.stderr.count("\n")) == (1, "", 1)
    assert f"{address}/metrics refuses: {status} " in shown.stderr
    assert f"it redirects to {other}/metrics" in shown.stderr
    assert (asked, others) == (["Bearer sesame"], [])


NAMES = [
    "fws_ready", "fws_info", "fws_connections", "fws_refused_total", "fws_filter_held_reactor_total",
    "process_start_time_seconds", "fws_filter_sampled_seconds_count", "fws_filter_sampled_seconds_sum",
    "fws_reactor_lag_seconds_bucket", "fws_reactor_lag_seconds_sum", "fws_reactor_lag_seconds_count",
    "process_cpu_seconds_total", "process_open_fds", "process_max_fds", "process_resident_memory_bytes",
    "fws_storage_round_trip_seconds", "fws_http_responses_total",
]  # fmt: skip
LABELS = ["pipeline", "event", "filter", "reason", "le", "status"]
SAMPLES = st.lists(
    st.tuples(
        st.sampled_from(NAMES),
        st.dictionaries(st.sampled_from(LABELS), st.text(max_size=9)),
        st.floats() | st.sampled_from(["", "x", "1_0"]),
    )
)


def written(samples: list[tuple[str, dict[str, str], object]]) -> str:
    def quoted(value: str) -> str:
        return '"' + value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n") + '"'

    lines = [
        f"{name}{{{','.join(f'{label}={quoted(value)}' for label, value in labels.items())}}} {value}"
        for name, labels, value in samples
    ]
    return "\n".join(["fws_ready 1", *lines, ""])


@given(SAMPLES, SAMPLES)
def test_whatever_a_server_tells_is_shown_or_refused(earlier: list, later: list) -> None:  # type: ignore[type-arg]
    try:
        before, now = (read(written(each), moment, "http://h") for moment, each in ((0, earlier), (1, later)))
    except Ended:
        return
    screen = console(width=80, color_system=None)
    with screen.capture() as capture:
        screen.print(panel(Figures(before, now), "http://h"))
    assert all(line.isprintable() for line in capture.get().split("\n"))


@given(st.text())
def test_any_text_is_metrics_or_refused(text: str) -> None:
    try:
        read(text, 0, "http://h")
    except Ended:
        return
    assert "fws_ready" in text


def test_what_a_server_has_wrong_is_not_known() -> None:
    now = read('fws_ready 1\nfws_reactor_lag_seconds_bucket{le="x"} 3\nfws_reactor_lag_seconds_count 3\n', 0, "")
    assert all(map(math.isnan, Figures(None, now).lag()))

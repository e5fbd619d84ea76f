"""Figures out of two readings of the metrics."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filtered_websocket.commands.exits import Ended
from filtered_websocket.commands.fws_top.figures import Figures
from filtered_websocket.commands.fws_top.panel import panel
from filtered_websocket.commands.fws_top.scrape import read
from filtered_websocket.commands.terminal import console
from tests.support.scraped_metrics import scraped


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


def test_what_a_server_has_wrong_is_not_known() -> None:
    now = read('fws_ready 1\nfws_reactor_lag_seconds_bucket{le="x"} 3\nfws_reactor_lag_seconds_count 3\n', 0, "")
    assert all(map(math.isnan, Figures(None, now).lag()))

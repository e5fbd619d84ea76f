"""The figures of the dashboard."""

from typing import Any

from filtered_websocket.filters.base import WebSocketConnectFilter
from filtered_websocket.monitoring.stopwatch import Stopwatch
from filtered_websocket.web.dashboard import figures
from tests.support.dashboard_servers import Join, Spread, shown
from tests.support.http_client import ask
from tests.support.reactor_thread import DEADLINE, call, until
from tests.support.serving import serving


def test_the_figures_tell_of_pipelines_their_chains_and_channels() -> None:
    with serving(Join, Spread, pipelines='{"/empty": []}') as served:

        def timed() -> None:
            served.server.stopwatch = Stopwatch(served.server, served.server.reactor)
            served.server.stopwatch.arm()

        call(timed)
        with served.open() as one, served.open():
            until(lambda: len(served.users) == 2)
            one.send("hello")
            assert one.receive() is not None
            found = shown(served)
            everywhere, empty = found["pipelines"]
            assert (everywhere["patterns"], empty["patterns"]) == (["*"], ["/empty"])
            assert (everywhere["connections"], everywhere["channels"], everywhere["busiest"]) == (2, 1, [["all", 2]])
            assert (everywhere["received"], everywhere["publications"], everywhere["sent"]) == (1, 1, 2)
            assert [chain["event"] for chain in everywhere["chains"]] == ["connect", "message"]
            (spread,) = everywhere["chains"][1]["filters"]
            assert spread["name"].endswith(".Spread")
            assert 0 < spread["p50"] == spread["p99"] == spread["max"] < DEADLINE
            assert empty["chains"] == []
            assert found["storage"] | {"round_trip": 0} == {
                "name": "memory", "ready": True, "round_trip": 0, "shared": False, "durable": False,
            }  # fmt: skip
            assert 0 <= found["storage"]["round_trip"] < 1
            assert (found["unready"], found["max_connections"], found["may_publish"]) == ("", 20000, False)
            assert found["memory"] > 1_000_000


def test_slow_clients_and_what_was_refused_are_shown_the_most_first() -> None:
    class Flood(WebSocketConnectFilter):
        @classmethod
        def filter(cls, connection: Any, data: None) -> None:
            for _ in range(100):
                connection.sendMessage(b"x" * 100_000, True)

    with serving(Flood, send_buffer="100M") as served, served.client(receive_buffer=4096) as client:
        client.send(b"")
        client.open("/slow?token=not-to-be-shown")

        def count() -> None:
            served.server.counters.count("refused", "origin")
            for _ in range(3):
                served.server.counters.count("dropped", "slow client, latest")

        call(count)
        answer = ask(served.address, "GET", "/dashboard/figures")
        assert b"not-to-be-shown" not in answer.body
        (found,) = answer.json["processes"].values()
        assert found["counted"] == [["dropped", "slow client, latest", 3], ["refused", "origin", 1]]
        (slow,) = found["slow"]
        assert (slow["peer"], slow["path"], found["slow_clients"]) == ("127.0.0.1", "/slow", 1)
        assert slow["waiting"] > 10_000


def test_a_storage_object_that_does_not_answer_is_null_not_a_word_that_json_does_not_know() -> None:
    with serving() as served:
        assert figures.figures(served.server, float("nan"))["storage"]["round_trip"] is None


def test_samples_are_kept_for_a_later_page_and_only_newer_ones_are_told_again() -> None:
    with serving(Join, Spread) as served, served.open() as client:
        history = served.server.dashboard.history
        until(lambda: len(served.users) == 1)
        call(history.take)
        client.send("hello")
        assert client.receive() is not None
        call(history.take)
        first, second = shown(served)["samples"]
        assert (first["connections"], first["received"], second["received"]) == (1, 0, 1)
        assert (second["sent"], second["publications"], second["channels"]) == (1, 1, 1)
        assert second["cpu"] >= first["cpu"]
        assert shown(served, (first["time"], 0))["samples"] == [second]
        assert shown(served, (second["time"], 0))["samples"] == []

        def many() -> int:
            for _ in range(2 * figures.SAMPLES):
                history.take()
            return len(history.since(0))

        assert call(many) == figures.SAMPLES

import json
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml
from prometheus_client.parser import text_string_to_metric_families
from twisted.internet.defer import Deferred

from filtered_websocket.chain.counters import Figure
from filtered_websocket.filters.base import WebSocketConnectFilter, WebSocketMessageFilter
from filtered_websocket.web.metrics import MAX_REASONS
from tests.support.debian_programs import debian_program
from tests.support.http_client import ask
from tests.support.reactor_thread import DEADLINE, call, until
from tests.support.serving import Served, serving

CONTRIB = Path(__file__).parents[2] / "contrib"
DASHBOARD, ALERTS = CONTRIB / "grafana-dashboard.json", CONTRIB / "prometheus-alerts.yml"
RULES = [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]


def scrape(served: Served, headers: dict[str, str] | None = None) -> dict[tuple[str, ...], float]:
    """Samples by name and values of labels."""
    answer = ask(served.address, "GET", "/metrics", headers=headers or {})
    assert (answer.status, answer.headers["content-type"][:10]) == (200, "text/plain")
    found: dict[tuple[str, ...], float] = {}
    for family in text_string_to_metric_families(answer.body.decode()):
        assert family.documentation, family.name
        for sample in family.samples:
            found[sample.name, *sample.labels.values()] = sample.value
    return found


class Join(WebSocketConnectFilter):
    @classmethod
    def filter(cls, connection: Any, data: None) -> None:
        connection.subscribe("all")


class Spread(WebSocketMessageFilter):
    @classmethod
    def filter(cls, connection: Any, data: bytearray) -> None:
        if data == b"fail":
            raise ValueError("asked to")
        if data == b"echo":
            connection.sendMessage(data)
        else:
            connection.publish("all", bytes(data))


def test_what_happens_is_counted() -> None:
    with serving(Join, Spread) as served:
        with served.open() as one, served.open() as two:
            until(lambda: len(served.users) == 2)
            one.send("12345")
            for client in (one, two):
                assert client.receive() is not None
            two.send("echo")
            assert two.receive() is not None
            found = scrape(served)
            assert found["fws_connections", "*"] == 2
            assert found["fws_connections_opened_total", "*"] == 2
            assert found["fws_channels", "*"] == 1
            assert found["fws_messages_received_total", "*"] == 2
            assert found["fws_received_bytes_total", "*"] == 9
            assert found["fws_publications_total", "*"] == 1
            assert found["fws_messages_sent_total", "*"] == 3
            assert found["fws_sent_bytes_total", "*"] == 7 + 7 + 6
            assert found["fws_send_buffer_bytes", "*"] == 0
            assert found["fws_connections_opening",] == 0
            assert found["fws_ready",] == 1
            assert found["fws_storage_ready",] == 1
            assert 0 <= found["fws_storage_round_trip_seconds",] < DEADLINE
            two.send("fail")
            assert two.receive() is not None
        served.until_empty()
        assert ask(served.address, "GET", "/nothing").status == 426
        found = scrape(served)
        assert found["fws_connections", "*"] == 0
        assert found["fws_failed_total", "filter"] == 1
        assert found["fws_http_responses_total", "4xx"] == 1
        assert found["fws_http_connections",] >= 1


def test_what_an_alert_may_wait_for_is_there_before_it_happens() -> None:
    with serving() as served:
        assert scrape(served)["fws_dropped_total", "consumer filters too slow"] == 0


def test_bytes_that_wait_for_slow_clients_are_shown() -> None:
    class Flood(WebSocketConnectFilter):
        @classmethod
        def filter(cls, connection: Any, data: None) -> None:
            for _ in range(100):
                connection.sendMessage(b"x" * 100_000, True)

    with serving(Flood, send_buffer="100M") as served, served.client(receive_buffer=4096) as client:
        client.send(b"")
        client.open()
        waiting = scrape(served)["fws_send_buffer_bytes", "*"]
        assert waiting == call(lambda: sum(each.pending for each in served.server.blocked))
        assert waiting > 10_000


def test_a_storage_object_that_does_not_answer_shows_as_nan_and_the_scrape_comes_all_the_same() -> None:
    with serving() as served:

        def silent(key: str) -> Deferred[Any]:
            return Deferred()

        call(setattr, served.server.storage_object, "get", silent)
        found = scrape(served)
        assert found["fws_storage_round_trip_seconds",] != found["fws_storage_round_trip_seconds",]


def test_the_number_of_reasons_is_bounded() -> None:
    with serving() as served:

        def count() -> None:
            for number in range(MAX_REASONS + 50):
                served.server.counters.totals["refused", f"reason {number}"] += 2

        call(count)
        refused = {key[1]: value for key, value in scrape(served).items() if key[0] == "fws_refused_total"}
        assert len(refused) == MAX_REASONS + 1
        assert refused["other"] == 100


def test_what_filters_have_is_shown_and_that_of_two_uses_is_added_up() -> None:
    with serving() as served:

        def read() -> Iterable[Figure]:
            yield Figure("counter", "asked", "Questions", (("backend", "a"), ("event", "message")), 2)
            yield Figure("gauge", "open", "Whether it is", (("backend", "a"),), 1)

        other = [Figure("counter", "asked", "Questions", (("backend", "b"), ("event", "message")), 5)]
        call(lambda: served.server.counters.figures.extend([read, read, lambda: other]))
        found = scrape(served)
    assert found["fws_asked_total", "a", "message"] == 4
    assert found["fws_asked_total", "b", "message"] == 5
    assert found["fws_open", "a"] == 2


def test_metrics_are_for_this_machine_unless_there_is_a_secret() -> None:
    with serving() as served:
        scrape(served)
        for headers in ({"X-Forwarded-For": "127.0.0.1"}, {"Via": "1.1 proxy"}, {"Host": "evil.example"}):
            refused = ask(served.address, "GET", "/metrics", headers=headers)
            assert refused.status == 403
            assert "admin_secret" in refused.json["error"]
    with serving(admin_secret="s3cret") as served:
        refused = ask(served.address, "GET", "/metrics")
        assert (refused.status, refused.headers["www-authenticate"]) == (401, 'Basic realm="filtered_websocket"')
        scrape(served, {"Authorization": "Bearer s3cret", "X-Forwarded-For": "1.2.3.4", "Host": "public.example"})


def test_with_an_admin_port_nothing_of_this_is_on_the_public_one() -> None:
    with serving(admin_port=0, publish_secret="s") as served:
        for method, path in (("GET", "/metrics"), ("GET", "/health/ready"), ("POST", "/publish")):
            assert ask(served.address, method, path).status == 404


def known_metrics() -> set[str]:
    """What a server tells, without the endings of counters and histograms."""
    with serving(Join, Spread) as served:
        call(served.server.counters.count, "held the reactor", "a.filter")
        text = ask(served.address, "GET", "/metrics").body.decode()
    there = {family.name for family in text_string_to_metric_families(text)}
    # What only a process of its own measures: see test_end_to_end.
    return there | {"fws_reactor_lag_seconds", "fws_filter_sampled_seconds", "process_cpu_seconds"}


def named_metrics(expressions: Iterable[str]) -> set[str]:
    names = {name for each in expressions for name in re.findall(r"\b(?:fws|process)_\w+", each)}
    assert names
    return {re.sub(r"_(total|bucket|sum|count)$", "", name) for name in names}


def test_the_dashboard_and_the_alerts_ask_for_metrics_that_there_are() -> None:
    panels = json.loads(DASHBOARD.read_text())["panels"]
    known = known_metrics()
    board = named_metrics(target["expr"] for panel in panels for target in panel.get("targets", ()))
    assert board <= known, board - known
    alerts = named_metrics(rule["expr"] for rule in RULES)
    assert alerts <= known, alerts - known


ABOUT = 'job="filtered_websocket", instance="a:9601"'
FIRES = {
    "FwsDown": {"up{%s}": "1x5 0x20"},
    "FwsNotReady": {"fws_ready{%s}": "1x5 0x20"},
    "FwsStorageAway": {"fws_storage_ready{%s}": "1x5 0x20"},
    "FwsReactorLate": {
        'fws_reactor_lag_seconds_bucket{le="0.1", %s}': "0+90x20",
        'fws_reactor_lag_seconds_bucket{le="0.5", %s}': "0+100x20",
        'fws_reactor_lag_seconds_bucket{le="+Inf", %s}': "0+100x20",
    },
    "FwsFilterHoldsReactor": {'fws_filter_held_reactor_total{filter="f", %s}': "_x12 1x5"},
    "FwsFailing": {'fws_failed_total{reason="filter", %s}': "0x3 0+2x20"},
    "FwsDropping": {'fws_dropped_total{reason="r", %s}': "0x3 0+1x20"},
    "FwsFull": {'fws_refused_total{reason="max_connections", %s}': "_x12 1x5"},
    "FwsNotRecovered": {'fws_not_recovered_total{reason="trimmed", %s}': "0+20x20"},
    "FwsClientsLost": {
        'fws_connections{pipeline="*", %s}': "150x10 10x10",
        'fws_connections{pipeline="/chat", %s}': "50x20",
    },
    "FwsDescriptors": {"process_open_fds{%s}": "950x20", "process_max_fds{%s}": "1000x20"},
}
"""What each alert is there for, minute by minute; and nothing else fires."""
FIRES_TOO = {
    "FwsFailing": {'fws_failed_total{reason="filter", %s}': "_x7 20x15"},
    "FwsDropping": {'fws_dropped_total{reason="r", %s}': "_x7 1x15"},
    "FwsFull": {'fws_refused_total{reason="max_connections", %s}': "0x11 9x5"},
    "FwsNotRecovered": {'fws_not_recovered_total{reason="trimmed", %s}': "_x12 500x5"},
}
"""The same where it begins with the first sample, and where it does not."""
QUIET = {
    "up{%s}": "1x20",
    "fws_ready{%s}": "1x20",
    'fws_failed_total{reason="filter", %s}': "3x20",
    'fws_dropped_total{reason="r", %s}': "0x20",
    'fws_refused_total{reason="origin", %s}': "0+100x20",
    'fws_connections{pipeline="*", %s}': "200-5x20",
}


def test_each_alert_fires_when_it_is_to_and_none_where_all_is_well(tmp_path: Path) -> None:
    assert {rule["alert"] for rule in RULES} == set(FIRES)
    tests = [
        {
            "interval": "1m",
            "input_series": [{"series": name % ABOUT, "values": values} for name, values in series.items()],
            "promql_expr_test": [
                {
                    "expr": 'sum by (alertname) (ALERTS{alertstate="firing"})',
                    "eval_time": "15m",
                    "exp_samples": [{"labels": f'{{alertname="{alert}"}}', "value": 1}] if alert else [],
                }
            ],
        }
        for alert, series in (*FIRES.items(), *FIRES_TOO.items(), ("", QUIET))
    ]
    file = tmp_path / "tests.json"  # which YAML can read
    file.write_text(json.dumps({"rule_files": [str(ALERTS)], "evaluation_interval": "1m", "tests": tests}))
    promtool = debian_program("promtool")
    for what in ([*("check", "rules"), str(ALERTS)], [*("test", "rules"), str(file)]):
        ran = subprocess.run([promtool, *what], capture_output=True, text=True, timeout=60, check=False)
        assert ran.returncode == 0, ran.stdout + ran.stderr

"""What is shown."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from tests.support.answering import answering
from tests.support.programs import Terminal, run

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

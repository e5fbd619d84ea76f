"""What /metrics says of a use."""

from types import SimpleNamespace

from filtered_websocket.filters.http_callback.events import EVENTS
from filtered_websocket.filters.http_callback.figures import Figures


def test_each_event_is_there_from_the_start_and_the_breaker_is_a_gauge():
    counts = {(event, what): 0 for event in EVENTS for what in ("asked", "refused", "failed")} | {
        ("message", "asked"): 3
    }
    backend = SimpleNamespace(name="b:80", figures=counts, breaker=SimpleNamespace(is_open=True), under_way=2)
    said = [*Figures("*", lambda: backend, [1, 2, 3]).read()]
    values = {(each.name, dict(each.labels).get("event", "")): each.value for each in said}
    assert len(said) == len(values) == 12
    assert values["http_callback_asked", "message"] == 3
    assert values["http_callback_breaker_open", ""] == 1
    assert values["http_callback_under_way", ""] == 2
    assert values["http_callback_disconnects_waiting", ""] == 3
    assert {(("pipeline", "*"), ("backend", "b:80"))} == {each.labels[:2] for each in said}

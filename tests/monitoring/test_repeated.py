"""A traceback that comes again is shown once per interval."""

from types import SimpleNamespace

from twisted.logger import PredicateResult, globalLogPublisher

from filtered_websocket.chain import outcomes
from filtered_websocket.chain.outcomes import report
from filtered_websocket.monitoring import repeated
from filtered_websocket.monitoring.counters import INTERVAL
from filtered_websocket.monitoring.repeated import Repeated

OURS = outcomes.__name__
SHOWN, NOT = PredicateResult.maybe, PredicateResult.no


def test_one_of_a_kind_is_shown_per_interval():
    predicate = Repeated()

    def asked(time, culprit="chat.Say.filter", error="ValueError"):
        return predicate({"log_namespace": OURS, "log_time": time, "kind": (culprit, error, 1, 1)})

    assert [asked(0), asked(1), asked(INTERVAL - 1)] == [SHOWN, NOT, NOT]
    assert [asked(1, error="KeyError"), asked(1, "chat.Hear.filter")] == [SHOWN, SHOWN]
    assert [asked(INTERVAL), asked(INTERVAL + 1)] == [SHOWN, NOT]
    assert asked(0) is SHOWN  # the clock was set back
    assert [predicate({"log_time": 0}) for _ in range(2)] == [SHOWN, SHOWN]


def test_what_is_remembered_is_bounded(monkeypatch):
    monkeypatch.setattr(repeated, "MAX_KINDS", 10)
    predicate = Repeated()
    for number in range(25):
        assert predicate({"log_namespace": OURS, "log_time": 0, "kind": (str(number), "x", 1, 1)}) is SHOWN
    assert len(predicate._shown) <= 10


def test_failures_of_filters_say_their_kind():
    events = []
    globalLogPublisher.addObserver(events.append)
    try:
        for error in (ValueError("one"), ValueError("two")):
            report(SimpleNamespace(count=lambda *_: None), error)
    finally:
        globalLogPublisher.removeObserver(events.append)
    predicate = Repeated()
    assert [predicate(event) for event in events if "trace" in event] == [SHOWN, NOT]


def test_events_of_filters_that_have_such_a_field_are_all_shown():
    predicate = Repeated()
    for kind in ("join", ["unhashable"]):
        event = {"log_namespace": "chat", "log_time": 0, "kind": kind}
        assert [predicate(event) for _ in range(2)] == [SHOWN, SHOWN]

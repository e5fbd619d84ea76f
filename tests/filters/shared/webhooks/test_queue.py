"""What waits for one URL, and its bound."""

import json
from types import SimpleNamespace

from filtered_websocket.filters.shared.webhooks import queue
from filtered_websocket.web.trace_parent import TraceParent, read
from tests.support.chains import filter_of, new_chain
from tests.support.reactor_thread import call
from tests.support.receiver import receiving
from tests.support.web_hooks import dropped, render, tell


def test_what_happens_together_is_told_together_if_that_may_be(make):
    hooks, _ = make()
    with receiving() as receiver:
        tell(hooks, receiver.url, *range(5), most=3)
        assert [json.loads(receiver.next()[2]) for _ in range(2)] == [[0, 1, 2], [3, 4]]


def test_a_failure_is_tried_again_and_what_follows_waits(make, monkeypatch):
    hooks, counters = make()
    monkeypatch.setattr(hooks, "later", lambda seconds, later=hooks.later: later(seconds / 100))
    with receiving(500, 404, 302) as receiver:
        tell(hooks, receiver.url, "a", "b")
        assert [json.loads(receiver.next()[2]) for _ in range(5)] == [["a"], ["a"], ["a"], ["a"], ["b"]]
        assert dropped(counters) == {}


def test_each_attempt_is_a_span_of_its_own_in_the_trace_of_the_client_that_led_to_it(make, monkeypatch):
    hooks, _ = make()
    monkeypatch.setattr(hooks, "later", lambda seconds, later=hooks.later: later(seconds / 100))
    parent = TraceParent("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", True)
    chain = new_chain()
    filter_of(chain, lambda cls, instance, data: hooks.tell(data, "a", render))
    with receiving(500) as receiver:
        call(chain.run, SimpleNamespace(request=SimpleNamespace(traceparent=parent)), receiver.url)
        spans = [read(receiver.next().headers["traceparent"]) for _ in range(2)]
        tell(hooks, receiver.url, "no trace")
        assert "traceparent" not in receiver.next().headers
    assert [(span.trace_id, span.sampled) for span in spans] == [(parent.trace_id, True)] * 2
    assert len({parent.span_id, *(span.span_id for span in spans)}) == 3


def test_a_destination_that_never_answers_well_is_given_up_and_counted(make, monkeypatch):
    hooks, counters = make()
    monkeypatch.setattr(hooks, "later", lambda seconds, later=hooks.later: later(seconds / 1000))
    with receiving(*[503] * queue.ATTEMPTS) as receiver:
        tell(hooks, receiver.url, "lost", "told")
        told = [json.loads(receiver.next()[2]) for _ in range(queue.ATTEMPTS + 1)]
    assert told == [["lost"]] * queue.ATTEMPTS + [["told"]]
    assert dropped(counters) == {"web hook: status 5xx": 1}


def test_a_destination_that_is_behind_is_bounded(make, monkeypatch):
    monkeypatch.setattr(queue, "MAX_WAITING", 2)
    hooks, counters = make()
    with receiving() as receiver:
        tell(hooks, receiver.url, *range(5))
        assert [json.loads(receiver.next()[2]) for _ in range(2)] == [[0], [1]]
    assert dropped(counters) == {"web hook: too many wait": 3}

"""Telling web hooks, and what was dropped."""

import json

from tests.support.reactor_thread import call


def render(events):
    return json.dumps(events).encode(), (("Content-Type", "application/json"), ("X-About", "test"))


def tell(hooks, url, *events, **how):
    call(lambda: [hooks.tell(url, event, render, **how) for event in events] and None)


def dropped(counters):
    return {reason: count for (what, reason), count in call(lambda: dict(counters.totals)).items() if what == "dropped"}

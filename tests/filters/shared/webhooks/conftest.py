import pytest

from filtered_websocket.filters.shared.webhooks.destinations import Webhooks
from filtered_websocket.monitoring.counters import Counters
from tests.support.reactor_thread import call


@pytest.fixture
def make():
    made = []

    def make(private=True, shared=None):
        from twisted.internet import reactor

        counters = Counters(reactor)
        hooks = Webhooks(reactor, counters, private, shared)
        made.append((hooks, counters))
        return hooks, counters

    yield make
    for hooks, counters in made:
        call(lambda hooks=hooks, counters=counters: (hooks.stop(), counters.stop()))

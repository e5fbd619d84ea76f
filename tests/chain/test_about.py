"""What a line of the log is about is seen in the frames of the chain that runs."""

from types import SimpleNamespace

import pytest

from filtered_websocket.chain import about
from filtered_websocket.web.trace_parent import TraceParent
from tests.support.chains import filter_of, new_chain


def test_it_is_the_innermost_chain_that_runs_and_nothing_outside(chain):
    seen, other = [], new_chain()
    filter_of(other, lambda cls, instance, data: seen.append(about.now()))

    def outer(cls, instance, data):
        other.run(SimpleNamespace(name=""))
        seen.append(about.now())

    filter_of(chain, outer)
    chain.run(SimpleNamespace(id="1", user=None, pipeline=SimpleNamespace(name="/x")))
    chain.run("anything")
    whole = {"pipeline": "*"}
    assert seen == [whole, {"connection": "1", "pipeline": "/x"}, whole, {}]
    assert about.now() == {}


def test_of_a_failure_it_is_the_chain_that_failed(chain):
    filter_of(chain, lambda cls, instance, data: 1 / 0)
    with pytest.raises(ZeroDivisionError) as raised:
        chain.run(SimpleNamespace(id="1"))
    assert about.of_failure(raised.value) == {"connection": "1"}
    assert about.of_failure(ValueError()) == {}


def test_a_property_that_fails_costs_no_line(chain):
    class Own:
        @property
        def user(self):
            raise RuntimeError("nobody yet")

    seen = []
    filter_of(chain, lambda cls, instance, data: seen.append(about.now()))
    chain.run(Own())
    assert seen == [{}]


def test_the_trace_of_the_clients_request_is_told(chain):
    parent = TraceParent("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", True)
    seen = []
    filter_of(chain, lambda cls, instance, data: seen.append((about.now().get("trace_id"), about.trace())))
    for request in (SimpleNamespace(traceparent=parent), SimpleNamespace(traceparent=None), None):
        chain.run(SimpleNamespace(id="1", request=request))
    assert seen == [(parent.trace_id, parent), (None, None), (None, None)]
    assert about.trace() is None

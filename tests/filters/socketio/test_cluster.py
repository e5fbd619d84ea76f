"""Nodes that are asked, and that come and go."""

from collections.abc import Callable

from tests.filters.socketio.clients import Echo, Nodes, of, state

Begin = Callable[..., Nodes]


def test_a_node_is_known_by_a_name_of_its_own_until_it_stops(nodes: Begin) -> None:
    pair = nodes(Echo)
    names = [state(server).cluster.name for server in (pair.one, pair.two)]
    members = pair.one.storage_object.members
    assert sorted(pair.one.result(members("socketio::cluster"))) == sorted(names)
    state(pair.two).cluster.stop()
    assert list(pair.one.result(members("socketio::cluster"))) == names[:1]
    found = of(pair.one).fetch_sockets(timeout=2)
    pair.settle()
    assert pair.one.result(found) == []


def test_a_node_alone_asks_itself_and_nobody_else(serve: Callable[..., object]) -> None:
    server = serve(Echo)
    cluster = state(server).cluster  # type: ignore[arg-type]
    assert cluster.heard == ()
    assert server.result(of(server).server_side_emit("x")) == []  # type: ignore[arg-type, attr-defined]


def test_an_answer_that_comes_too_late_is_passed_over(nodes: Begin) -> None:
    pair = nodes(Echo)
    name = state(pair.one).cluster.name
    late = '{"do":"answer","id":99,"from":"x","value":[]}'
    pair.one.result(pair.one.storage_object.publish(f"socketio::member::{name}", late))
    assert not pair.one.server.counters.totals


def test_those_who_ask_when_the_server_stops_are_told(nodes: Begin) -> None:
    pair = nodes(Echo)
    other = state(pair.two).cluster
    other.consume = lambda data: None  # type: ignore[method-assign]
    found = of(pair.one).fetch_sockets(timeout=60)
    failed: list[object] = []
    found.addErrback(lambda failure: failed.append(failure.value.nodes))
    pair.settle()
    state(pair.one).cluster.stop()
    pair.settle()
    assert failed == [(other.name,)]

"""Which filters answer what."""

import re
from typing import Any

import pytest

from filtered_websocket.chain.registry import FilterMeta
from filtered_websocket.filters.socketio import SocketIOConnectFilter, SocketIOEventFilter
from filtered_websocket.filters.socketio.chains import Chains, Occasion


def event(of: Any, *names: str) -> FilterMeta:
    class Made(SocketIOEventFilter):
        event = names or None
        namespace = of

        @classmethod
        def filter(cls, socket: Any, *arguments: Any) -> Any:
            socket.append((names, of))

    return Made


def answering(chains: Chains, namespace: str, name: str) -> list[Any]:
    found, called = chains.of(namespace), list[Any]()
    assert found is not None
    for step in found.events.of(name).steps:
        step(Occasion(called, ()), None)
    return called


def test_filters_of_one_event_and_those_of_all_run_in_their_order() -> None:
    chains = Chains({SocketIOEventFilter: (event("/", "a", "b"), event("/"), event("/", "a"))})
    assert [names for names, _ in answering(chains, "/", "a")] == [("a", "b"), (), ("a",)]
    assert [names for names, _ in answering(chains, "/", "b")] == [("a", "b"), ()]
    assert [names for names, _ in answering(chains, "/", "c")] == [()]


def test_a_namespace_is_there_if_a_filter_names_it_and_slash_always() -> None:
    made = (event(("/a", "/b"), "x"), event(re.compile(r"/room-\d+"), "x"))
    chains = Chains({SocketIOEventFilter: made})
    for name, there in {"/": True, "/a": True, "/b": True, "/c": False, "/room-7": True, "/room-7x": False}.items():
        assert (chains.of(name) is not None) is there, name
    assert answering(chains, "/", "x") == []
    assert len(answering(chains, "/room-1", "x")) == 1


def test_arguments_that_a_filter_does_not_take_are_left_out_and_those_that_it_needs_are_known() -> None:
    taken: list[Any] = []

    class Two(SocketIOEventFilter):
        event = "e"

        @classmethod
        def filter(cls, socket: Any, one: Any, two: Any = 2) -> None:  # type: ignore[override]
            taken.append((one, two))

    found = Chains({SocketIOEventFilter: (Two,)}).of("/")
    assert found is not None
    chain = found.events.of("e")
    assert chain.least == 1
    for arguments in ((1,), (1, 3), (1, 3, 5)):
        chain.steps[0](Occasion(None, arguments), None)
    assert taken == [(1, 2), (1, 3), (1, 3)]


@pytest.mark.parametrize("name", ["/x", "/"])
def test_a_connect_filter_makes_a_namespace_too(name: str) -> None:
    class Admit(SocketIOConnectFilter):
        namespace = name

    found = Chains({SocketIOConnectFilter: (Admit,)}).of(name)
    assert found is not None
    assert len(found.connect.steps) == 1

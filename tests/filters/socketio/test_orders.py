"""What other nodes ask for: filters that answer them."""

from collections.abc import Callable
from typing import Any

import pytest

from filtered_websocket.filters.socketio import NoAnswer, SocketIOServerFilter
from tests.filters.socketio.clients import Chat, Nodes, client, of, socket_of, state

Begin = Callable[..., Nodes]


class Add(SocketIOServerFilter):
    event = "add"
    namespace = "/chat"

    @classmethod
    async def filter(cls, namespace: Any, *numbers: Any) -> Any:
        namespace.local.emit("added", *numbers)
        return sum(numbers), b"x"


class Fail(SocketIOServerFilter):
    event = "fail"

    @classmethod
    def filter(cls, namespace: Any) -> None:  # type: ignore[override]
        raise ValueError("a fault")


def test_the_other_nodes_answer_each_with_its_filters(nodes: Begin) -> None:
    pair = nodes(Chat, Add)
    here, there = client(pair.one, "/chat"), client(pair.two, "/chat")
    answer = of(pair.one, "/chat").server_side_emit("add", 1, 2)
    nothing = of(pair.one, "/chat").server_side_emit("other")
    pair.settle()
    assert pair.one.result(answer) == [[3, b"x"]]
    assert pair.one.result(nothing) == []
    assert here.received() == []
    assert there.received() == ['42/chat,["added",1,2]']


def test_a_filter_that_fails_leaves_its_node_without_an_answer(nodes: Begin) -> None:
    pair = nodes(Fail)
    answer = of(pair.one).server_side_emit("fail", timeout=2)
    answer.addErrback(lambda failure: failure.value)
    pair.settle()
    assert pair.two.errors[0].splitlines()[-1] == "ValueError: a fault"
    pair.advance(2.1)
    error = pair.one.result(answer)
    assert isinstance(error, NoAnswer)
    assert error.nodes == (state(pair.two).cluster.name,)
    pair.one.errors  # noqa: B018 - both hear what is logged


@pytest.mark.parametrize("message", ["", "5", "{}", '{"do":"emit"}', '{"do":"ask"}', '{"do":"x"}', "[1]", "null"])
def test_what_no_node_says_is_counted_and_changes_nothing(nodes: Begin, message: str) -> None:
    pair = nodes(Chat)
    made = client(pair.one, "/chat")
    pair.one.result(pair.one.storage_object.publish("socketio::cluster", message))
    assert pair.one.server.counters.totals["dropped", "socketio: malformed message of a node"] == 1
    socket_of(pair.one, made, "/chat").emit("e")
    assert made.received() == ['42/chat,["e"]']

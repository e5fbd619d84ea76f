"""What is done to many, on all nodes."""

from collections.abc import Callable

import pytest

from filtered_websocket.filters.socketio import NoAnswer
from filtered_websocket.filters.socketio.acknowledgements import SECONDS
from tests.filters.socketio.clients import Chat, Echo, Nodes, client, of, socket_of, state

Begin = Callable[..., Nodes]


def test_events_reach_the_clients_of_all_nodes_once(nodes: Begin) -> None:
    pair = nodes(Echo)
    here, there = client(pair.one), client(pair.two)
    for server, made in ((pair.one, here), (pair.two, there)):
        socket_of(server, made).join("a", "b")
    space = of(pair.one)
    space.emit("all", b"x")
    space.to("a", "b").emit("rooms")
    space.except_("a").emit("nobody")
    space.to(there.sid).emit("one")  # type: ignore[attr-defined]
    space.local.emit("here")
    socket_of(pair.one, here).to("a").emit("others")
    pair.settle()
    both = ['451-["all",{"_placeholder":true,"num":0}]', b"x", '42["rooms"]']
    assert here.received() == [*both, '42["here"]']
    assert there.received() == [*both, '42["one"]', '42["others"]']


def test_a_call_gives_the_acknowledgements_of_all_clients(nodes: Begin) -> None:
    pair = nodes(Echo)
    made = [client(pair.one), client(pair.two), client(pair.two)]
    answer = of(pair.one).call("asked", timeout=4)
    pair.settle()
    for value, one in enumerate(made):
        (asked,) = one.received()
        one.send(asked.replace("42", "43", 1).replace('["asked"]', f"[{value}]"))
    pair.settle()
    assert sorted(pair.one.result(answer)) == [[0], [1], [2]]


def test_a_call_says_who_has_not_acknowledged_and_what_others_have(nodes: Begin) -> None:
    pair = nodes(Echo)
    made = [client(pair.one), client(pair.two)]
    answer = of(pair.one).call("asked", timeout=4)
    answer.addErrback(lambda failure: failure.value)
    pair.settle()
    (asked,) = made[0].received()
    made[0].send(asked.replace("42", "43", 1).replace('["asked"]', '["x"]'))
    pair.two.advance(4.1)
    pair.one.advance(4.1)
    pair.settle()
    error = pair.one.result(answer)
    assert isinstance(error, NoAnswer)
    assert (error.answers, error.clients, error.nodes) == ([["x"]], 1, ())
    assert SECONDS > 4


def test_clients_are_found_wherever_they_are_and_what_can_be_done_to_them(nodes: Begin) -> None:
    pair = nodes(Chat)
    made = client(pair.two, "/chat")
    socket = socket_of(pair.two, made, "/chat")
    socket.data["name"], socket.user = "ann", 7
    found = of(pair.one, "/chat").fetch_sockets()
    pair.settle()
    (remote,) = pair.one.result(found)
    assert (remote.id, remote.data, remote.user, remote.rooms) == (socket.id, {"name": "ann"}, 7, {socket.id})
    assert remote.node == state(pair.two).cluster.name
    remote.join("a")
    pair.settle()
    assert socket.rooms == {"a", socket.id}
    remote.emit("hi")
    remote.leave("a")
    pair.settle()
    assert socket.rooms == {socket.id}
    remote.disconnect()
    pair.settle()
    assert made.received() == ['42/chat,["hi"]', "41/chat,"]


def test_rooms_of_many_are_entered_and_left_and_clients_put_out(nodes: Begin) -> None:
    pair = nodes(Echo, socketio_max_rooms=2)
    made = [client(pair.one), client(pair.two)]
    sockets = [socket_of(pair.one, made[0]), socket_of(pair.two, made[1])]
    space = of(pair.one)
    space.sockets_join("a", "b")
    pair.settle()
    space.to("a").sockets_leave("b")
    space.sockets_join("c", "d")  # one too many
    pair.settle()
    assert [socket.rooms for socket in sockets] == [{"a", "c", socket.id} for socket in sockets]
    space.disconnect_sockets(close=True)
    pair.settle()
    assert [one.is_open for one in made] == [False, False]


def test_nodes_that_do_not_answer_are_named(nodes: Begin) -> None:
    pair = nodes(Echo)
    made = client(pair.one)
    dead = state(pair.two).cluster
    dead.consume = lambda data: None  # type: ignore[method-assign]
    found = of(pair.one).fetch_sockets(timeout=2)
    found.addErrback(lambda failure: failure.value)
    pair.advance(2.1)
    error = pair.one.result(found)
    assert isinstance(error, NoAnswer)
    assert error.nodes == (dead.name,)
    assert [remote.id for remote in error.answers] == [made.sid]  # type: ignore[attr-defined]


def test_what_json_cannot_hold_raises_where_it_is_emitted(nodes: Begin) -> None:
    pair = nodes(Echo)
    for does in (of(pair.one).emit, of(pair.one).call, of(pair.one).server_side_emit):
        with pytest.raises(ValueError, match="not JSON"):
            does("e", object())
        with pytest.raises(ValueError, match="reserved"):
            does("connect")

"""The clients that something is for, in the hub of a node."""

from filtered_websocket.filters.socketio.audience import Audience, channel, is_name
from filtered_websocket.pipeline.hub import Hub
from tests.filters.socketio.clients import Echo, client, socket_of, start


def test_a_room_of_one_namespace_is_none_of_another() -> None:
    assert channel("/a", "b") == "/a,b"
    assert Audience("/a").channels == ("/a",)
    assert Audience("/a", ("b", "c,d")).channels == ("/a,b", "/a,c,d")


def test_what_no_namespace_is_called() -> None:
    assert all(map(is_name, ("/", "/chat", "/a/b")))
    assert not any(map(is_name, ("", "chat", "/chat,hall", ",")))


def test_each_is_meant_once_and_those_of_excepted_rooms_are_not() -> None:
    with start(Echo) as server:
        clients = [client(server) for _ in range(3)]
        for one, rooms in zip(clients, (["a", "b"], ["b", "c"], ["a"]), strict=True):
            socket_of(server, one).join(rooms)
        hub = server.pipeline().hub
        assert isinstance(hub, Hub)
        ids = [one.sid for one in clients]  # type: ignore[attr-defined]
        assert Audience("/", ("a", "b")).subscribers(hub) == [ids[0], ids[2], ids[1]]
        assert Audience("/", ("a", "b"), ("c",)).subscribers(hub) == [ids[0], ids[2]]
        assert set(Audience("/", (), (ids[0],)).subscribers(hub)) == {ids[1], ids[2]}
        Audience("/", ("a", "b"), ("c",)).publish(hub, ((b"42[1]", False),), busy=[ids[2]])
        server.settle()
        assert [one.received() for one in clients] == [["42[1]"], [], []]

"""The names of channels: whose they are, which there may be, and what the option channels says of each."""

import pytest

from filtered_websocket.testing.server import Server
from tests.support.rooms import Rooms, members


def test_equal_channel_names_in_two_pipelines_never_meet():
    with Server(Rooms, pipelines={"/x": [Rooms], "/y": [Rooms]}) as server:
        clients = [server.connect(path) for path in ("/", "/x", "/y")]
        for client in clients:
            client.send("+room")
        clients[1].send("room hi")
        assert [each.received() for each in clients] == [[], ["hi"], []]
        clients[0].send("room all")
        assert [each.received() for each in clients] == [["all"], [], []]


def test_no_name_of_the_pipeline_without_one_can_reach_into_a_named_one():
    with Server(Rooms, pipelines={"/x": [Rooms]}) as server:
        inside = server.connect("/x")
        inside.send("+room")
        for attempt in (server.pipeline().publish("/x room", "hi"), server.pipeline().subscribe("/x room", inside)):
            with pytest.raises(ValueError, match="another pipeline"):
                server.result(attempt)
        assert inside.received() == []


def test_the_excluded_are_those_of_the_call_whatever_becomes_of_the_set():
    with Server(Rooms) as server:
        a, b = members(server, "x"), members(server, "x")
        ids = {a.connection.id}
        server.pipeline().publish("x", "1", exclude=ids)
        server.pipeline().broadcast("x", "2", exclude=ids)
        ids.add(b.connection.id)
        assert (a.received(), b.received()) == ([], ["1", "2"])

"""The chat, in memory: `pytest` in this folder."""

from collections.abc import Iterator

import pytest

from filtered_websocket.testing import ConnectError, Server, SocketIOClient


@pytest.fixture
def server() -> Iterator[Server]:
    with Server("chat") as server:
        yield server


def enter(server: Server, name: str, room: str = "hall") -> SocketIOClient:
    client = server.socketio(auth={"name": name})
    assert client.call("enter", room)[0]["people"][client.id] == name
    return client


def test_a_name_is_wanted(server: Server) -> None:
    for auth in (None, {}, {"name": ""}, {"name": 5}, {"name": "x" * 41}):
        with pytest.raises(ConnectError, match="a name of 1 to 40 characters is wanted"):
            server.socketio(auth=auth)


def test_what_is_said_is_heard_in_the_room_and_acknowledged(server: Server) -> None:
    ann, bob, cy = enter(server, "ann"), enter(server, "bob"), enter(server, "cy", "garden")
    assert ann.received() == [("came", bob.id, "bob")]
    assert ann.call("say", "hello") == [{}]
    assert (ann.received(), bob.received(), cy.received()) == ([], [("said", "ann", "hello")], [])


def test_a_client_is_in_one_room_at_a_time(server: Server) -> None:
    ann, bob = enter(server, "ann"), enter(server, "bob")
    assert bob.call("enter", "garden") == [{"people": {bob.id: "bob"}}]
    assert ann.received() == [("came", bob.id, "bob"), ("left", bob.id, "bob")]
    bob.session.close()
    cy = enter(server, "cy", "garden")
    assert cy.call("enter", "garden") == [{"people": {cy.id: "cy"}}]


def test_two_of_one_name_are_two(server: Server) -> None:
    ann, first, second = enter(server, "ann"), enter(server, "bob"), enter(server, "bob")
    assert ann.received() == [("came", first.id, "bob"), ("came", second.id, "bob")]
    first.session.abort()
    assert ann.received() == [("left", first.id, "bob")]


def test_what_makes_no_sense_is_answered(server: Server) -> None:
    ann = server.socketio(auth={"name": "ann"})
    for event in ("say", "ask"):
        assert "error" in ann.call(event, "in no room")[0]
    for room in ("", 5, None, "x" * 41, ["a"]):
        assert ann.call("enter", room) == [{"error": "a room's name has 1 to 40 characters"}]
    ann.call("enter", "hall")
    for text in ("", 5, "x" * 1001):
        assert "error" in ann.call("say", text)[0]


def test_the_acknowledgements_of_a_room_are_answers(server: Server) -> None:
    ann, bob, cy, dan = (enter(server, name) for name in ("ann", "bob", "cy", "dan"))
    assert enter(server, "eve", "garden").call("ask", "anybody?") == [{"yes": 0, "no": 0, "silent": 0}]
    bob.on("asked", lambda *_: True)
    cy.on("asked", lambda *_: False)
    asked = ann.ask("ask", "tea?")
    assert ("asked", "ann", "tea?") in dan.received()
    assert not asked.has_come
    server.advance(10)
    assert asked.arguments == [{"yes": 1, "no": 1, "silent": 1}]

"""Private messages, in memory: `pytest` in this folder."""

from collections.abc import Iterator

import pytest

from filtered_websocket.testing import ConnectError, Server, SocketIOClient


@pytest.fixture
def server() -> Iterator[Server]:
    with Server("private_messages", channels={"talk *": {"history": 100}}) as server:
        yield server


def enter(server: Server, name: str, session: str | None = None) -> tuple[SocketIOClient, str]:
    """A page of a person, and its session."""
    client = server.socketio(auth={"name": name} if session is None else {"name": name, "session": session})
    [(event, given)] = client.received()
    assert event == "session"
    assert session in (None, given)
    assert client.call("begin")[0][name] is True
    return client, given


def texts(client: SocketIOClient, other: str) -> list[str]:
    return [f"{each['from']}: {each['text']}" for each in client.call("open", other)[0]]


def test_a_message_reaches_all_pages_of_both_but_that_it_comes_from(server: Server) -> None:
    ann, session = enter(server, "ann")
    second, _ = enter(server, "ann", session)
    bob, _ = enter(server, "bob")
    cy, _ = enter(server, "cy")
    for each in (ann, second, bob):
        each.received()
    [message] = ann.call("write", "bob", "hello")
    assert (message["from"], message["to"], message["text"]) == ("ann", "bob", "hello")
    assert second.received() == bob.received() == [("message", message)]
    assert ann.received() == cy.received() == []


def test_a_page_that_is_loaded_again_finds_what_was_said(server: Server) -> None:
    (ann, _), (bob, session) = enter(server, "ann"), enter(server, "bob")
    ann.call("write", "bob", "one")
    bob.call("write", "ann", "two")
    bob.session.close()
    assert ann.received()[-1] == ("here", "bob", False)
    ann.call("write", "bob", "three")
    bob, _ = enter(server, "bob", session)
    assert ann.received() == [("here", "bob", True)]
    assert texts(bob, "ann") == texts(ann, "bob") == ["ann: one", "bob: two", "ann: three"]
    assert texts(enter(server, "cy")[0], "ann") == []


def test_the_latest_hundred_messages_are_kept(server: Server) -> None:
    (ann, _), (bob, _) = enter(server, "ann"), enter(server, "bob")
    for number in range(101):
        ann.emit("write", "bob", str(number))
    assert texts(bob, "ann") == [f"ann: {number}" for number in range(1, 101)]


def test_nobody_is_somebody_else(server: Server) -> None:
    _, session = enter(server, "ann")
    for wrong in ("", session[:-1], session + "x", 5, ["a"]):
        with pytest.raises(ConnectError, match="this session is unknown") as refused:
            server.socketio(auth={"name": "ann", "session": wrong})
        assert refused.value.data == {"session": False}
    with pytest.raises(ConnectError, match="unknown"):
        server.socketio(auth={"name": "bob", "session": session})
    with pytest.raises(ConnectError, match="taken"):
        server.socketio(auth={"name": " ann "})


def test_what_makes_no_sense_is_answered(server: Server) -> None:
    ann, _ = enter(server, "ann")
    for name in ("", 5, "a\nb", "x" * 41, None):
        with pytest.raises(ConnectError, match="a name of 1 to 40 characters is wanted"):
            server.socketio(auth={"name": name})
    assert ann.call("write", "nobody", "hi") == [{"error": "nobody here is called nobody"}]
    for other, text in (("ann", ""), ("ann", 5), (5, "hi"), (["ann"], "hi"), ("ann", "x" * 1001)):
        assert ann.call("write", other, text) == [{"error": "1 to 1000 characters are wanted"}]
    assert ann.call("open", 5) == ann.call("open", ["bob"]) == [[]]


def test_a_person_has_gone_with_the_last_page(server: Server) -> None:
    (ann, _), (bob, session) = enter(server, "ann"), enter(server, "bob")
    second, _ = enter(server, "bob", session)
    ann.received()
    second.session.abort()
    assert ann.received() == []
    bob.disconnect()
    assert ann.received() == [("here", "bob", False)]
    assert ann.call("begin") == [{"ann": True, "bob": False}]

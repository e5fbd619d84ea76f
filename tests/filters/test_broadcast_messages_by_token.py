"""Groups by token."""

import pytest

from filtered_websocket.filters.base import WebSocketHandshakeFilter, WebSocketMessageFilter
from filtered_websocket.testing.server import Server

BY_TOKEN = "filtered_websocket.filters.broadcast_messages_by_token"


@pytest.fixture
def server():
    with Server(BY_TOKEN) as server:
        yield server


def registered(server, token):
    client = server.connect()
    client.send(f"token:{token}")
    assert client.received() == [f"Successfully registered with broadcast group: {token}"]
    return client


def test_a_message_goes_to_the_others_of_the_senders_group(server):
    a, b, other = registered(server, "x"), registered(server, "x"), registered(server, "y")
    a.send("hi")
    b.send(b"\xff")
    assert [each.received() for each in (a, b, other)] == [[b"\xff"], ["hi"], []]


def test_a_client_without_a_token_is_told_so_and_nobody_hears_it(server):
    a, stranger = registered(server, "x"), server.connect()
    stranger.send("hi")
    assert stranger.received() == ["Error: No token has been set"]
    assert a.received() == []


def test_the_token_ends_at_white_space_and_may_stand_anywhere_in_the_message(server):
    a, b = registered(server, "x"), server.connect()
    b.send("my token:x and more")
    assert b.received() == ["Successfully registered with broadcast group: x"]
    b.send("hi")
    assert a.received() == ["hi"]


def test_a_client_is_in_the_group_it_registered_with_last(server):
    a, x, y = registered(server, "x"), registered(server, "x"), registered(server, "y")
    a.send("token:y")
    a.received()
    a.send("hi")
    x.send("to x")
    assert (a.received(), x.received(), y.received()) == ([], [], ["hi"])
    assert server.result(server.storage_object.get("x")) == {x.connection.id}
    assert server.result(server.storage_object.get("y")) == {a.connection.id, y.connection.id}


def test_registering_twice_with_one_token_is_registering_once(server):
    a, b = registered(server, "x"), registered(server, "x")
    a.send("token:x")
    a.received()
    b.send("hi")
    assert a.received() == ["hi"]
    assert server.result(server.storage_object.get("x")) == {a.connection.id, b.connection.id}


@pytest.mark.parametrize("leave", ["close", "abort"])
def test_a_client_that_has_gone_is_in_no_group(server, leave):
    a, b = registered(server, "x"), registered(server, "x")
    getattr(a, leave)()
    server.settle()
    assert server.result(server.storage_object.get("x")) == {b.connection.id}
    b.close()
    assert server.result(server.storage_object.get("x")) is None
    assert server.pipeline().hub.channels == {}


def test_a_binary_registration_is_answered_as_text(server):
    a = server.connect()
    a.send(b"token:\xff")
    assert a.received() == ["Successfully registered with broadcast group: \N{REPLACEMENT CHARACTER}"]


def test_a_token_that_can_be_no_group_is_refused_and_the_client_lives(server):
    a = registered(server, "x")
    a.send("token:" + "y" * 300)
    (answer,) = a.received()
    assert answer.startswith("Error: no such group: a channel's name has at most 255 characters")
    a.send("hi")
    assert a.received() == ["Error: No token has been set"]
    assert server.result(server.storage_object.get("x")) is None


def test_a_connection_that_has_lost_its_id_takes_the_later_one_out_of_no_group():
    class Names(WebSocketHandshakeFilter):
        @classmethod
        def filter(cls, web_socket_instance, data):
            web_socket_instance.id = "ann"

    with Server(Names, BY_TOKEN) as server:
        former = server.connect()
        former.send("token:x")
        later = server.connect()
        later.send("token:x")
        server.settle()
        assert former.close_code == 1008
        assert server.result(server.storage_object.get("x")) == {"ann"}
        later.send("token:y")
        assert server.result(server.storage_object.get("x")) is None
        assert server.result(server.storage_object.get("y")) == {"ann"}


def test_a_filter_before_it_may_return_text():
    class Says(WebSocketMessageFilter):
        @classmethod
        def filter(cls, web_socket_instance, data):
            return data.decode().replace("I am", "token:")

    with Server(Says, BY_TOKEN) as server:
        a = registered(server, "x")
        b = server.connect()
        b.send("I amx")
        assert b.received() == ["Successfully registered with broadcast group: x"]
        b.send("hi")
        assert a.received() == ["hi"]

from filtered_websocket.filters.base import WebSocketHandshakeFilter
from filtered_websocket.filters.centrifugo.state import State
from tests.filters.centrifugo.clients import connected, serving


def test_clients_are_known_by_id_and_user_while_they_are_there():
    with serving() as server:
        state = State.of(server.pipeline())
        a, b = connected(server, "u"), connected(server, "u")
        assert state.users.keys() == {"u"}
        assert state.users["u"].keys() == state.clients.keys() == {a.session.id, b.session.id}
        a.wire.abort()
        assert state.users["u"].keys() == {b.session.id}
        b.wire.close()
        server.settle()
        assert (state.users, state.clients) == ({}, {})


def test_a_client_that_takes_the_id_of_another_users_leaves_none_behind():
    class Named(WebSocketHandshakeFilter):
        @classmethod
        def filter(cls, web_socket_instance, data):
            web_socket_instance.id = "one"

    with serving(Named) as server:
        state = State.of(server.pipeline())
        former, later = connected(server, "a"), connected(server, "b")
        assert former.wire.close_code == 1008
        assert (state.users.keys(), state.clients.keys()) == ({"b"}, {"one"})
        later.wire.close()
        server.settle()
        assert (state.users, state.clients) == ({}, {})


def test_what_pings_nobody_any_more_ends_with_the_next_change_of_the_interval():
    with serving() as server:
        state = State.of(server.pipeline())
        client = connected(server)
        before = len(server.reactor.getDelayedCalls())
        for interval in range(20, 30):
            state.follow(server.pipeline().options.replace(centrifugo_ping_interval=interval))
        # That of the client that is there, and the newest two.
        assert len(server.reactor.getDelayedCalls()) <= before + 2
        client.wire.abort()

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

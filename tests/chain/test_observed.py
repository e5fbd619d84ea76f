"""A connection that somebody looks at, and then nobody does."""

from filtered_websocket.chain.observed import forget, observe, observer_of
from filtered_websocket.testing.server import Server
from tests.support.steering import Named, Notes, Spread


def test_it_is_of_its_own_class_again_when_it_is_forgotten() -> None:
    with Server(Named, Spread) as server:
        client = server.connect()
        connection = client.connection
        plain, direct = type(connection), connection.direct
        observe(connection, Notes())
        last = Notes()
        observe(connection, last)
        assert observer_of(connection) is last
        client.send("room hi")
        assert last.told[0] == ("received", b"room hi", False)
        forget(connection)
        forget(connection)
        assert type(connection) is plain
        assert connection.direct is direct
        assert observer_of(connection) is None
        assert "observer" not in vars(connection)

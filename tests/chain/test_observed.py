"""A connection that somebody looks at, and then nobody does."""

from types import SimpleNamespace
from typing import Any

from filtered_websocket.chain.observed import can_be_observed, forget, observe, observer_of
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


def test_packs_hear_of_it_and_what_has_nothing_to_be_mixed_in_cannot_be_observed() -> None:
    with Server(Named, Spread) as server:
        connection, heard = server.connect().connection, list[Any]()
        server.pipeline().looked_at.append(lambda each: heard.append((each, observer_of(each))))
        notes = Notes()
        for each in (notes, notes):
            observe(connection, each)
        forget(connection)
        assert heard == [(connection, notes), (connection, None)]
        assert can_be_observed(connection)
        assert not can_be_observed(SimpleNamespace())

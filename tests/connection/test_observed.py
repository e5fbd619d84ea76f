"""A connection that somebody looks at behaves as any other, and is itself again when nobody does."""

import pytest

from filtered_websocket.chain.observed import forget, observe
from filtered_websocket.testing.server import Server
from tests.support.steering import Named, Notes, Spread


@pytest.mark.parametrize("compression", [False, True])
def test_clients_get_the_same_in_the_same_order_whether_somebody_looks_or_not(compression: bool) -> None:
    heard = []
    for look in (False, True):
        with Server(Named, Spread, compression=compression) as server:
            one, other = (server.connect(compression=compression) for _ in range(2))
            if look:
                observe(one.connection, Notes())
            for client in (one, other):
                client.send("+room")
            for number in range(20):
                one.send(f"room {number}")
                other.connection.sendMessage("x" * 10_000)
                one.connection.sendMessage(b"y" * 10_000, True)
                server.pipeline().broadcast("room", ["together", "twice"])
                one.connection.send_together(((b"a", False), (b"b", True)))
                if number == 10:
                    forget(one.connection) if look else None
            heard.append((one.received(), other.received()))
    assert heard[0] == heard[1]


def test_the_observer_is_told_of_all_that_comes_goes_and_is_asked_for() -> None:
    with Server(Named, Spread) as server:
        client, notes = server.connect(), Notes()
        connection = client.connection
        observe(connection, notes)
        client.send("+room")
        client.send("room hi")
        connection.publish(["room", "other"], "both", exclude=connection.id)
        connection.unsubscribe("room")
        connection.close(4000, "bye")
        server.settle()
        assert notes.told == [
            ("received", b"+room", False),
            ("subscribe", "room"),
            ("received", b"room hi", False),
            ("publish", "room", "hi"),
            ("sent", b"hi", False),
            ("publish", "room, other", "both"),
            ("unsubscribe", "room"),
            ("close", 4000, "bye"),
            ("ended", 4000, "bye"),
        ]

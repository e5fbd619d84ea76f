"""Messages are counted from the first look on, as long as somebody goes on to look."""

from typing import Any

import pytest

from filtered_websocket.chain.observed import observer_of
from filtered_websocket.server import observation
from filtered_websocket.server.observation import COUNTED_SECONDS
from filtered_websocket.testing.server import Server
from filtered_websocket.transport.traffic import Traffic
from tests.support.reactor_thread import call, until
from tests.support.serving import serving
from tests.support.steering import Named, Spread


def test_what_nobody_asks_for_any_more_is_counted_no_more() -> None:
    with Server(Named, Spread) as server:
        watching, client = server.server.observation, server.connect()
        counted = watching.counted(client.connection, Traffic(100, 200))
        assert (counted["bytes_in"], counted["bytes_out"], counted["messages_in"]) == (100, 200, 0)
        assert counted["per_second"] is None
        client.send("nobody x")
        server.advance(COUNTED_SECONDS - 1)
        counted = watching.counted(client.connection, Traffic(100 + 59 * 7, 200))
        assert counted["messages_in"] == 1
        assert counted["per_second"]["bytes_in"] == 7
        server.advance(COUNTED_SECONDS)
        assert observer_of(client.connection) is not None
        server.advance(COUNTED_SECONDS)
        assert observer_of(client.connection) is None
        assert not watching._sweep.running


def test_so_many_are_counted_and_of_others_no_number_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observation, "MAX_COUNTED", 2)
    with Server(Named, Spread) as server:
        clients = [server.connect() for _ in range(3)]
        counted = [server.server.observation.counted(each.connection, Traffic(1, 2)) for each in clients]
        assert [each["messages_in"] for each in counted] == [0, 0, None]
        assert counted[2]["bytes_in"] == 1
        clients[0].close()
        server.settle()
        assert server.server.observation.counted(clients[2].connection, None)["messages_in"] == 0


def test_bytes_of_a_connection_are_those_of_its_socket() -> None:
    def row(served: Any) -> Any:
        (connection,) = served.users.values()
        return served.server.inspection._row(connection, 10)

    with serving(Spread) as served, served.open() as client:
        until(lambda: served.users)
        before = call(row, served)
        assert before["bytes_in"] > 100, "the handshake"
        client.send("nobody 12345")
        until(lambda: row(served)["bytes_in"] - before["bytes_in"] == 6 + len("nobody 12345"))

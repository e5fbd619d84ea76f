"""The messages of one user share a rate, over all connections of the user."""

from filtered_websocket.filters import max_rate_per_user
from filtered_websocket.filters.base import WebSocketHandshakeFilter
from filtered_websocket.testing.server import Server
from tests.support.small_filters import Echo

MAX_RATE = "filtered_websocket.filters.max_rate_per_user"


class Named(WebSocketHandshakeFilter):
    @classmethod
    def filter(cls, web_socket_instance):
        web_socket_instance.user = web_socket_instance.request.path[1:] or None


def test_what_is_too_fast_waits_and_nothing_is_lost():
    with Server(Named, MAX_RATE, Echo, max_rate_per_user=2) as server:
        a, also_a, b, nobody = (server.connect(path) for path in ("/a", "/a", "/b", "/"))
        for number in range(10):
            a.send(str(number))
        assert a.received() == [str(number) for number in range(10)]
        also_a.send("11")
        also_a.send("12")
        assert also_a.received() == []
        b.send("b")
        for _ in range(30):
            nobody.send("x")
        assert (b.received(), len(nobody.received())) == (["b"], 30)
        server.advance(0.5)
        assert also_a.received() == ["11"]
        server.advance(0.5)
        assert also_a.received() == ["12"]
        assert server.server.counters.totals["slowed", "max_rate_per_user"] == 2


def test_of_many_connections_of_one_user_those_that_would_wait_too_long_are_closed():
    with Server(Named, MAX_RATE, Echo, max_rate_per_user=1, filter_timeout=3) as server:
        clients = [server.connect("/a") for _ in range(12)]
        for client in clients:
            client.send("x")
        # Five at once, two more within the time that a filter may take.
        assert [client.close_code for client in clients] == [None] * 7 + [1008] * 5
        server.advance(2)
        assert [client.received() for client in clients[:7]] == [["x"]] * 7
        counted = server.server.counters.totals
        assert (counted["slowed", "max_rate_per_user"], counted["closed", "max_rate_per_user"]) == (2, 5)
        assert not counted["failed", "filter"]


def test_users_that_have_all_they_may_have_are_forgotten(monkeypatch):
    monkeypatch.setattr(max_rate_per_user, "KEPT", 2)
    with Server(Named, MAX_RATE, Echo, max_rate_per_user=1) as server:
        (pace,) = (each for each in server.server.pipelines[0].filters["message"] if each.__name__ == "Pace")
        for user in "abc":
            server.connect(f"/{user}").send("x")
        assert set(pace.state["buckets"]) == {"a", "b", "c"}
        server.advance(60)
        server.connect("/d").send("x")
        assert set(pace.state["buckets"]) == {"d"}


def test_each_use_counts_for_itself():
    with Server(Named, f"{MAX_RATE}?max_rate_per_user=1", f"{MAX_RATE}?max_rate_per_user=100", Echo) as server:
        client = server.connect("/a")
        for _ in range(6):
            client.send("x")
        assert len(client.received()) == 5
        server.advance(1)
        assert len(client.received()) == 1

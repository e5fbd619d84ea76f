"""So many messages and bytes per second, on the testing kit's clock."""

from collections import Counter

import pytest

from filtered_websocket.connection import receiving
from filtered_websocket.filters.base import WebSocketMessageFilter
from filtered_websocket.limits.pace import BURST_SECONDS
from filtered_websocket.testing.server import Server
from tests.support.raw_client import PING, close_frame, frame


class Echo(WebSocketMessageFilter):
    @classmethod
    def filter(cls, connection, data):
        connection.sendMessage(data)


class EchoLater(WebSocketMessageFilter):
    @classmethod
    async def filter(cls, connection, data):
        from twisted.internet import reactor
        from twisted.internet.task import deferLater

        await deferLater(reactor, 0.01, lambda: None)
        connection.sendMessage(data)


def one(server):
    return next(iter(server.server.connections))


def counted(server):
    return Counter({kind: total for kind, total in server.server.counters.totals.items() if total})


def burst(client, count):
    for number in range(count):
        client.send(str(number))


def test_a_connection_without_rates_has_no_pace():
    with Server(Echo) as server:
        server.connect()
        assert one(server).pace is None


def test_what_is_within_the_rate_is_answered_at_once():
    with Server(Echo, message_rate=10) as server:
        client = server.connect()
        burst(client, 10 * BURST_SECONDS)
        assert client.received() == [str(number) for number in range(50)]
        server.advance(1)
        burst(client, 10)
        assert len(client.received()) == 10
        assert not counted(server)


@pytest.mark.parametrize("echo", [Echo, EchoLater])
def test_what_is_above_waits_loses_nothing_and_keeps_its_order(echo):
    with Server(echo, message_rate=10, ping_interval=0) as server:
        client = server.connect()
        burst(client, 200)
        received = list(client.received())
        seconds = 0
        while len(received) < 200:
            server.advance(1)
            seconds += 1
            received += client.received()
        assert received == [str(number) for number in range(200)]
        # 50 at once, the other 150 at 10 a second.
        assert 13 <= seconds <= 16
        assert set(counted(server)) == {("slowed", "message_rate")}


def test_a_connection_that_waits_does_not_hold_up_another():
    with Server(Echo, message_rate=1) as server:
        flood, other = server.connect(), server.connect()
        burst(flood, 100)
        other.send("me")
        assert other.received() == ["me"]


def test_a_client_above_the_rate_is_closed_where_that_is_asked_for():
    with Server(Echo, message_rate=2, over_rate="close") as server:
        client = server.connect()
        burst(client, 11)
        assert client.received() == [str(number) for number in range(10)]
        assert (client.close_code, client.close_reason) == (1008, "message_rate")
        assert counted(server) == {("closed", "message_rate"): 1}


def test_bytes_count_whatever_they_are(monkeypatch):
    # A share of the turn is real time: where the machine stops within it, the rest waits, here for the rate.
    monkeypatch.setattr(receiving, "SHARE_SECONDS", 60)
    with Server(Echo, byte_rate=1000, ping_interval=0) as server:
        client = server.connect()
        connection = one(server)
        for _ in range(30):
            connection.dataReceived(frame(b"x" * 120, PING))
        assert not counted(server)
        connection.dataReceived(frame("y" * 2000))
        assert client.received() == ["y" * 2000]
        assert counted(server) == {("slowed", "byte_rate"): 1}
        assert connection.standing_still()
        server.advance(1)
        assert not connection.standing_still()


def test_too_many_bytes_close_where_that_is_asked_for_and_the_reply_is_read():
    with Server(Echo, byte_rate=1000, over_rate="close") as server:
        client = server.connect()
        client.send("x" * 6000)
        assert (client.close_code, client.close_reason) == (1008, "byte_rate")
        assert client.received() == []
        assert not server.server.connections


def test_a_close_of_ours_ends_the_wait_and_the_reply_is_read():
    with Server(Echo, message_rate=1, ping_interval=0) as server:
        client = server.connect()
        connection = one(server)
        burst(client, 7)
        assert connection.standing_still()
        connection.close(1001, "enough")
        assert client.close_code == 1001
        server.advance(60)
        assert not server.server.connections


def test_a_client_that_goes_while_it_waits_leaves_no_timer():
    with Server(Echo, message_rate=1, ping_interval=0) as server:
        client = server.connect()
        burst(client, 7)
        timer = one(server)._paid
        assert timer.active()
        one(server).abortConnection()
        server.settle()
        assert not timer.active()


def test_one_pipeline_may_have_a_rate_and_another_none():
    with Server(pipelines={"/slow": {"filters": [Echo], "message_rate": 1}, "/fast": [Echo]}) as server:
        slow, fast = server.connect("/slow"), server.connect("/fast")
        burst(slow, 20)
        burst(fast, 20)
        assert len(slow.received()) < 10
        assert len(fast.received()) == 20


def test_a_peer_that_closes_at_its_limit_is_answered():
    with Server(Echo, message_rate=1, ping_interval=0) as server:
        server.connect()
        connection = one(server)
        connection.dataReceived(b"".join(frame(str(number)) for number in range(6)) + close_frame(1000))
        server.advance(3)
        assert not server.server.connections
        assert connection.close_code == 1000

import json

import pytest
from hypothesis import given
from twisted.internet import reactor
from twisted.internet.task import deferLater
from twisted.logger import formatEvent, globalLogPublisher

from filtered_websocket.filters.wsps.auth import BaseAuthManager
from filtered_websocket.testing.server import Server
from tests.filters.wsps.clients import WSPS, publish
from tests.filters.wsps.test_wire import ANYTHING, LIKELY, REASONS

CLOSES = {(None, None), *((1002, reason) for reason in REASONS | {"Authorization failed"})}


def subscribe(client, channel, **more):
    client.send(json.dumps({"type": "subscribe", "channel": channel, **more}))


def received(client):
    return [json.loads(message)["data"] for message in client.received()]


class Slow(BaseAuthManager):
    """Says yes to the key "yes" after a second; the key "raise" makes it fail."""

    async def authenticate(self, event, channel, key):
        await deferLater(reactor, 1.0)
        if key == "raise":
            raise RuntimeError("the manager failed")
        return key == "yes"


class Firing(BaseAuthManager):
    """Answers with a Deferred that has fired."""

    def authenticate(self, event, channel, key):
        return deferLater(reactor, 0).addCallback(lambda _: key == "yes")


SLOW = f"{__name__}:Slow"


def test_a_publication_reaches_every_subscriber_the_publisher_included_and_nobody_else():
    with Server(WSPS) as server:
        a, b, c, d = (server.connect() for _ in range(4))
        subscribe(a, "news")
        subscribe(b, "news")
        subscribe(c, "other")
        publish(a, "news", 1)
        publish(d, "news", 2)
        assert [received(each) for each in (a, b, c, d)] == [[1, 2], [1, 2], [], []]


def test_text_goes_out_also_where_a_packet_came_in_a_binary_frame():
    with Server(WSPS) as server:
        a = server.connect()
        subscribe(a, "x")
        a.send(b'{"type": "publish", "channel": "x", "data": "\xc3\xa4"}')
        assert a.received() == ['{"type":"message","channel":"x","data":"\\u00e4"}']


def test_subscribing_again_and_again_gives_one_copy():
    with Server(WSPS) as server:
        a = server.connect()
        for _ in range(8):
            subscribe(a, "x")
        publish(a, "x", 1)
        assert received(a) == [1]


def test_names_are_exact():
    with Server(WSPS) as server:
        a = server.connect()
        subscribe(a, "user/*")
        publish(a, "user/1", 1)
        publish(a, "user/*", 2)
        assert received(a) == [2]


def test_a_refused_publication_reaches_nobody_and_nothing_after_it_counts():
    with Server(WSPS, wsps_publish_keys={"secret*": "right"}) as server:
        a, b = server.connect(), server.connect()
        subscribe(a, "secret")
        subscribe(a, "open")
        publish(b, "secret", 1, key="right")
        wrong = json.dumps({"type": "publish", "channel": "secret", "data": 2, "key": "wrong"})
        open_ = json.dumps({"type": "publish", "channel": "open", "data": 3})
        b._protocol.send_text(wrong.encode())  # both in one packet
        b._protocol.send_text(open_.encode())
        b._flush()
        assert (b.close_code, b.close_reason) == (1002, "Authorization failed")
        assert received(a) == [1]


def test_a_refused_subscription_receives_nothing():
    with Server(WSPS, wsps_subscribe_keys={"a": "k"}) as server:
        a, b = server.connect(), server.connect()
        subscribe(a, "b")
        subscribe(a, "a", key=123)
        publish(b, "a", 1)
        publish(b, "b", 2)
        assert (a.close_code, a.close_reason, a.received()) == (1002, "Authorization failed", [])


@pytest.mark.parametrize("path", ["/", "/other"])
def test_the_empty_text_is_a_channel_like_others(path):
    with Server(WSPS, pipelines={"/other": [WSPS]}) as server:
        a, b, c = server.connect(path), server.connect(path), server.connect(path)
        subscribe(a, "")
        subscribe(b, "b")
        publish(c, "", data=1)
        assert a.received() == ['{"type":"message","channel":"","data":1}']
        assert b.received() == []


def test_too_many_channels_are_told():
    with Server(WSPS, max_channels=2) as server:
        client = server.connect()
        for name in "aba":
            subscribe(client, name)
        assert client.is_open
        subscribe(client, "c")
        assert (client.close_code, client.close_reason) == (1008, "Too many channels")
        assert server.server.counters.totals["refused", "max_channels"] == 1


def test_more_channels_than_elsewhere_are_taken_by_default():
    with Server(WSPS) as server:
        client = server.connect()
        for number in range(200):
            subscribe(client, str(number))
        client.sync()
        assert len(client.connection.channels) == 200


def test_pages_of_any_origin_may_connect_unless_origins_are_given():
    with Server(WSPS) as server:
        assert server.connect(headers={"Origin": "https://elsewhere.example"}).is_open
    with Server(WSPS, allowed_origins=["https://here.example"]) as server, pytest.raises(ConnectionError, match="403"):
        server.connect(headers={"Origin": "https://elsewhere.example"})


def test_a_subprotocol_that_the_python_client_offers_is_not_answered():
    with Server(WSPS) as server:
        client = server.connect(protocols=["http-only"])
        assert client.protocol is None
        assert client.is_open


def test_an_asynchronous_manager_is_waited_for_in_order():
    with Server(WSPS, wsps_authorization_manager=SLOW) as server:
        a = server.connect()
        subscribe(a, "x", key="yes")
        publish(a, "x", 1, key="yes")
        publish(a, "x", 2, key="yes")
        assert received(a) == []
        server.advance(1)
        server.advance(1)
        assert received(a) == [1]
        server.advance(1)
        assert received(a) == [2]


def test_an_asynchronous_no_is_a_no():
    with Server(WSPS, wsps_authorization_manager=SLOW) as server:
        a = server.connect()
        publish(a, "x", 1, key="no")
        server.advance(1)
        assert (a.close_code, a.close_reason) == (1002, "Authorization failed")


def test_a_manager_may_answer_with_a_deferred():
    with Server(WSPS, wsps_authorization_manager=f"{__name__}:Firing") as server:
        a, b = server.connect(), server.connect()
        subscribe(a, "x", key="yes")
        publish(b, "x", 1, key="yes")
        publish(b, "x", 2, key="no")
        assert (received(a), b.close_code) == ([1], 1002)


def test_a_manager_that_fails_allows_nothing():
    with Server(WSPS, wsps_authorization_manager=SLOW) as server:
        a = server.connect()
        publish(a, "x", 1, key="raise")
        server.advance(1)
        assert (a.close_code, a.close_reason) == (1011, "")
        assert "the manager failed" in server.errors[0]


def test_keys_and_packets_are_in_no_log():
    lines = []
    observe = lambda event: lines.append(str(event) + formatEvent(event))  # noqa: E731
    globalLogPublisher.addObserver(observe)
    try:
        with Server(WSPS, wsps_publish_keys={"a": "the-right-key"}) as server:
            a = server.connect()
            publish(a, "a", "some-data", key="the-wrong-key")
            assert a.close_code == 1002
            server.advance(120)
    finally:
        globalLogPublisher.removeObserver(observe)
    assert not any(word in line for line in lines for word in ("the-right-key", "the-wrong-key", "some-data"))


def test_two_pipelines_share_no_channels():
    with Server(WSPS, pipelines={"/other": [WSPS]}) as server:
        a, b = server.connect(), server.connect("/other")
        subscribe(a, "x")
        subscribe(b, "x")
        publish(a, "x", 1)
        assert (received(a), received(b)) == ([1], [])


@given(ANYTHING | LIKELY)
def test_any_json_value_is_obeyed_or_closes_its_sender_and_nobody_else(value):
    with Server(WSPS, wsps_publish_keys={"a": "what nobody guesses"}) as server:
        a, b = server.connect(), server.connect()
        subscribe(b, "a")
        a.send(json.dumps(value))
        assert (a.close_code, a.close_reason) in CLOSES
        assert b.is_open
        assert b.received() == []

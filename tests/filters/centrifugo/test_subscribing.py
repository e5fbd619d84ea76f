import pytest
from twisted.internet.defer import Deferred

from filtered_websocket.filters.centrifugo import CentrifugoSubRefreshFilter, CentrifugoSubscribeFilter
from tests.filters.centrifugo.clients import connected, later, serving, token

LIMITED = {"allow_user_limited_channels": True, "allow_subscribe_for_client": True}


@pytest.mark.parametrize(
    ("channel", "request_", "code"),
    [
        ("x" * 256, {}, 107), ("é" * 128, {}, 107), ("nope:a", {}, 102), ("open:é", {}, 107), ("\x01ja", {}, 107),
        ("open:a", {"type": 1}, 103), ("open:a", {"type": 4}, 108), ("closed:a", {}, 103), ("$open:a", {}, 103),
        ("open:a", {"tf": {"key": "a", "cmp": "eq", "val": "b"}}, 107),
    ],
)  # fmt: skip
def test_what_cannot_be_subscribed_to_has_its_error(channel, request_, code):
    with serving() as server:
        client = connected(server)
        assert client.subscribe(channel, **request_) == code
        assert client.session.subscriptions == {}
        assert client.subscribe("open:a") == {}


def test_twice_is_once_too_often():
    with serving() as server:
        client = connected(server)
        assert [client.subscribe("open:a"), client.subscribe("open:a")] == [{}, 105]
        assert client.ask("unsubscribe", channel="open:a") == {}
        assert client.ask("unsubscribe", channel="open:a") == {}
        assert client.subscribe("open:a") == {}


def test_clients_get_what_is_published_while_they_are_in_and_their_own_too():
    with serving() as server:
        a, b = connected(server, "a"), connected(server)
        a.subscribe("open:x")
        b.publish("open:x", 1)
        a.publish("open:x", {"n": 2})
        first, second = a.pushed()
        assert first["pub"] == {"data": 1, "info": {"user": "", "client": b.session.id}}
        assert second["pub"] == {"data": {"n": 2}, "info": {"user": "a", "client": a.session.id}}
        a.ask("unsubscribe", channel="open:x")
        b.publish("open:x", 3)
        assert a.pushed() == []


def test_channels_limited_to_users():
    with serving(centrifugo_without_namespace=LIMITED) as server:
        client, nobody = connected(server, "1"), connected(server)
        answers = [client.subscribe(each) for each in ("a#1", "a#2,1", "a#2", "a#", "b")]
        assert answers == [{}, {}, 103, 103, {}]
        assert [nobody.subscribe(each) for each in ("a#1", "a#", "a#1,")] == [103, 103, 103]
        assert client.subscribe("a#2", token=token("1", channel="a#2")) == {}


def test_a_subscription_token_opens_a_channel():
    with serving() as server:
        client, other = connected(server, "u1"), connected(server, "u2")
        opened = client.subscribe("$closed:a", token=token(channel="$closed:a", info={"i": 1}, data={"d": 2}))
        assert opened == {"data": {"d": 2}}
        assert client.subscribe("$closed:b", token="x") == 103
        assert client.subscribe("closed:b", token=token(channel="closed:b", exp=5)) == 109
        expiring = client.subscribe("closed:b", token=token(channel="closed:b", exp=later()))
        assert expiring["expires"]
        assert 95 < expiring["ttl"] <= 100
        other.subscribe("open:a", token=token("u1", channel="open:a"))
        assert other.closed == (3500, "invalid token")


def test_what_a_token_overrides():
    with serving() as server:
        client = connected(server, "u1")
        override = {name: {"value": True} for name in ("presence", "force_push_join_leave", "join_leave")}
        assert client.subscribe("closed:a", token=token(channel="closed:a", override=override)) == {}
        assert client.pushed()[0]["join"]["info"]["user"] == "u1"
        assert server.result(server.storage_object.member_count("closed:a")) == 1


@pytest.mark.parametrize(
    ("channel", "claims", "answer"),
    [
        ("closed:x", {}, 103), ("closed:a", {"exp": 5}, 3006), ("closed:a", {"expire_at": 5}, 3006),
        ("closed:a", {"channel": "closed:b"}, 3500),
        ("closed:a", None, 107), ("closed:s", {}, 3501),
    ],
)  # fmt: skip
def test_a_renewed_token_that_is_not_good(channel, claims, answer):
    with serving() as server:
        client = connected(server, "u1", channels=["closed:s"])
        client.subscribe("closed:a", token=token(channel="closed:a", exp=later()))
        new = "" if claims is None else token(**({"channel": channel} | claims))
        found = client.ask("sub_refresh", channel=channel, token=new)
        assert (found or client.closed[0]) == answer


@pytest.mark.parametrize("past", [None, 5.0])
def test_a_token_that_expires_while_filters_decide_may_be_replaced_and_what_a_filter_ends_may_not(monkeypatch, past):
    now, waiting = [2_000_000_000.0], []
    monkeypatch.setattr("time.time", lambda: now[0])

    class Slow(CentrifugoSubscribeFilter):
        @classmethod
        async def filter(cls, client, event):
            waiting.append(Deferred())
            await waiting[-1]
            event.expires = past or event.expires

    with serving(Slow) as server:
        client = connected(server, "u1")
        given = token(channel="closed:a", exp=later(2))
        client.say({"id": 9, "subscribe": {"channel": "closed:a", "token": given}})
        now[0] += 3
        waiting[0].callback(None)
        assert client.hear()[0]["error"]["code"] == (109 if past is None else 110)


def test_a_renewed_subscription_goes_on_and_one_that_is_not_ends(monkeypatch):
    now = [2_000_000_000.0]
    monkeypatch.setattr("time.time", lambda: now[0])
    with serving(centrifugo_ping_interval=3600, centrifugo_pong_timeout=3600) as server:
        client = connected(server, "u1")
        for channel in ("closed:a", "closed:b"):
            client.subscribe(channel, token=token(channel=channel, exp=later(60), info=1))
        renewed = client.ask("sub_refresh", channel="closed:b", token=token(channel="closed:b", exp=later(600)))
        assert renewed == {"expires": True, "ttl": 600}
        assert client.session.subscriptions["closed:b"].info == b""
        now[0] += 84
        server.advance(84)
        assert client.pushed() == []
        now[0] += 2
        server.advance(61)
        end = {"code": 2501, "reason": "subscription expired"}
        assert client.pushed() == [{"channel": "closed:a", "unsubscribe": end}]
        assert list(client.session.subscriptions) == ["closed:b"]


@pytest.mark.parametrize(("chain", "answer"), [(CentrifugoSubscribeFilter, 110), (CentrifugoSubRefreshFilter, 3006)])
def test_a_filter_that_gives_a_moment_that_is_past(chain, answer):
    class Past(chain):
        @classmethod
        def filter(cls, client, event):
            event.expires = 5

    with serving(Past) as server:
        client = connected(server, "u1")
        known = token(channel="closed:a", exp=later())
        found = client.subscribe("closed:a", token=known)
        if chain is CentrifugoSubRefreshFilter:
            found = client.ask("sub_refresh", channel="closed:a", token=known)
        assert (found or client.closed[0]) == answer

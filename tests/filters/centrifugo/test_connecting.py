import pytest
from twisted.internet.defer import Deferred

from filtered_websocket.filters.centrifugo import (
    CentrifugoConnectFilter,
    CentrifugoRefreshFilter,
    ServerSubscription,
    state,
)
from tests.filters.centrifugo.clients import Speaking, connected, later, serving, token
from tests.filters.centrifugo.requests import call, with_api
from tests.support.missed import HeldHistory


def test_without_a_token_only_where_anonymous_clients_may():
    with serving(centrifugo_allow_anonymous=False) as server:
        client = Speaking(server)
        client.ask("connect")
        assert client.closed == (3501, "bad request")
        assert connected(server, "u").result["client"]


def test_an_expired_token_is_an_error_after_which_the_client_goes():
    with serving() as server:
        client = Speaking(server)
        assert client.ask("connect", token=token(exp=1_000_000_000)) == 109
        client.say({"id": 2, "subscribe": {"channel": "open:a"}})
        assert client.hear() == []
        server.advance(5)
        assert client.closed == (3000, "connection closed")


def test_a_token_puts_a_client_into_channels_without_asking_what_they_allow():
    with serving() as server:
        subs = {"closed:a": {"data": {"d": 1}, "info": {"i": 2}}, "kept:b": {}}
        client = connected(server, "u", subs=subs)
        found = client.result["subs"]
        assert found["closed:a"] == {"data": {"d": 1}}
        assert found["kept:b"].keys() == {"recoverable", "positioned", "epoch"}
        assert client.subscribe("closed:a") == 105
        server.pipeline().publish("closed:a", "[1]")
        assert client.data("closed:a") == [[1]]
        assert client.ask("unsubscribe", channel="closed:a") == {}
        server.pipeline().publish("closed:a", "[2]")
        assert client.data() == []


def test_a_token_cannot_put_a_client_into_what_is_not_there():
    with serving() as server:
        client = Speaking(server)
        assert client.ask("connect", token=token(channels=["nope:a"])) == 102


def test_what_a_client_asks_for_when_it_connects():
    with serving() as server:
        client = Speaking(server)
        asked = {"open:a": {}, "closed:a": {}, "kept:a": {"recover": True}, "$open:b": {}, "open:é": {}}
        found = client.ask("connect", subs=asked)["subs"]
        assert found.keys() == {"open:a", "kept:a"}
        assert found["kept:a"]["recovered"]
        other = Speaking(server)
        other.ask("connect", subs={"nope:a": {}})
        assert other.closed == (3501, "bad request")


def test_a_users_own_channel():
    with serving(centrifugo_user_channel=True, centrifugo_user_channel_namespace="joins") as server:
        client = connected(server, "u1")
        assert client.result["subs"] == {"joins:#u1": {}}
        assert [each["channel"] for each in client.pushed()] == ["joins:#u1"]
        assert "subs" not in connected(server).result


def test_a_user_may_be_connected_once_alone():
    with serving(centrifugo_user_channel=True, centrifugo_user_single=True) as server:
        first, other, nobody = connected(server, "u1"), connected(server, "u2"), connected(server)
        second = connected(server, "u1")
        assert first.closed == (3504, "connection limit")
        connected(server)
        assert [each.closed[0] for each in (second, other, nobody)] == [None, None, None]


def test_server_side_subscriptions_recover():
    with serving() as server:
        other = connected(server)
        first = connected(server, "u", channels=["kept:a"]).result["subs"]["kept:a"]
        for number in range(3):
            other.publish("kept:a", number)
        client = Speaking(server)
        subs = {"kept:a": {"recover": True, "epoch": first["epoch"], "offset": 1}}
        found = client.ask("connect", token=token(channels=["kept:a"]), subs=subs)["subs"]["kept:a"]
        assert found["recovered"]
        assert [each["data"] for each in found["publications"]] == [1, 2]
        other.publish("kept:a", 3)
        assert client.pushed()[0]["pub"]["offset"] == 4


@pytest.fixture
def clock(monkeypatch):
    now = [2_000_000_000.0]
    monkeypatch.setattr(state.time, "time", lambda: now[0])
    monkeypatch.setattr("filtered_websocket.filters.centrifugo.auth.time.time", lambda: now[0])
    return now


@pytest.mark.parametrize("past", [None, 5.0])
def test_a_token_that_expires_while_filters_decide_may_be_replaced_and_what_a_filter_ends_may_not(clock, past):
    waiting = []

    class Slow(CentrifugoConnectFilter):
        @classmethod
        async def filter(cls, client, event):
            waiting.append(Deferred())
            await waiting[-1]
            event.expires = past or event.expires

    with serving(Slow) as server:
        client = Speaking(server)
        client.say({"id": 1, "connect": {"token": token("u", exp=int(clock[0]) + 2)}})
        clock[0] += 3
        waiting[0].callback(None)
        assert client.hear()[0]["error"]["code"] == (109 if past is None else 110)


def test_a_connection_that_is_not_refreshed_ends_a_while_after_its_token(clock):
    with serving(centrifugo_ping_interval=3600) as server:
        client = connected(server, "u", exp=int(clock[0]) + 100)
        assert (client.result["expires"], client.result["ttl"]) == (True, 100)
        clock[0] += 124
        server.advance(124)
        assert client.closed == (None, None)
        clock[0] += 2
        server.advance(61)
        assert client.closed == (3005, "connection expired")


def test_a_refreshed_connection_goes_on(clock):
    with serving() as server:
        client = connected(server, "u", exp=int(clock[0]) + 100, info={"a": 1})
        assert client.ask("refresh", token=token("u", exp=int(clock[0]) + 500)) == {"expires": True, "ttl": 500}
        assert client.session.info == b'{"a":1}'
        assert client.ask("refresh", token=token("u", info=2)) == {}
        assert (client.session.info, client.session.expires) == (b"2", None)


@pytest.mark.parametrize(
    ("claims", "code"), [({"user": "v"}, 3500), ({"exp": 5}, 3005), ({"channels": ["closed:a"]}, 3010), (None, 3500)]
)
def test_a_refresh_that_is_not_good_ends_the_connection(claims, code):
    with serving() as server:
        client = connected(server, "u", exp=later())
        client.ask("refresh", token="x" if claims is None else token(**({"user": "u"} | claims)))
        assert client.closed[0] == code


@pytest.mark.parametrize(("chain", "answer"), [(CentrifugoConnectFilter, 110), (CentrifugoRefreshFilter, 3005)])
def test_a_filter_that_gives_a_moment_that_is_past(chain, answer):
    class Past(chain):
        @classmethod
        def filter(cls, client, event):
            event.expires = 5

    with serving(Past) as server:
        client = connected(server, "u")
        if chain is CentrifugoRefreshFilter:
            client.ask("refresh", token=token("u", exp=later()))
        assert (client.closed[0] or client.result) == answer


def test_who_looks_who_is_present_sees_the_info_of_a_renewed_token():
    with with_api() as server:
        client = connected(server, "u", info=1)
        client.subscribe("open:a", token=token("u", channel="open:a", info=2))
        client.ask("refresh", token=token("u", info=3))
        client.ask("sub_refresh", channel="open:a", token=token("u", channel="open:a", info=4))
        (seen,) = call(server, "presence", channel="open:a")["presence"].values()
        assert (seen["conn_info"], seen["chan_info"]) == (3, 4)
        call(server, "refresh", user="u", info=5)
        (seen,) = call(server, "presence", channel="open:a")["presence"].values()
        assert seen["conn_info"] == 5


def test_an_insecure_connection_does_not_end_with_its_token():
    with serving(centrifugo_insecure=True) as server:
        client = connected(server, "u", exp=later())
        assert "expires" not in client.result
        assert client.ask("refresh", token=token("u", exp=later())) == {}
        assert client.session.expires is None


def test_many_connections_at_once_are_not_more_than_a_user_may_have():
    storage = HeldHistory()
    with serving(storage_object=storage, centrifugo_user_connection_limit=1) as server:
        clients = [Speaking(server), Speaking(server)]
        subs = {"kept:a": {"recover": True, "epoch": "x"}}
        for each in clients:
            each.say({"id": 1, "connect": {"token": token("u"), "subs": subs}})
        assert storage.reads
        storage.go_on_to_the_end()
        server.settle()
        assert sorted(str(each.closed[0]) for each in clients) == ["3504", "None"]
        assert len(server.pipeline().hub.channels["kept:a"].subscribers) == 1


class LetIn(CentrifugoConnectFilter):
    @classmethod
    def filter(cls, client, event):
        event.user, event.expires = event.user or "u", event.expires or state.State.now() + 100
        event.channels["closed:a"] = ServerSubscription()


class Twice(CentrifugoRefreshFilter):
    @classmethod
    def filter(cls, client, event):
        if not event.token and event.info == b"":
            event.info, event.expires = b"2", event.expires + 100


def test_who_came_without_a_token_stays_as_long_as_a_filter_says(clock):
    with serving(LetIn, Twice, centrifugo_ping_interval=3600) as server:
        client = connected(server)
        assert "expires" not in client.result
        for seconds, code in ((99, None), (62, None), (38, None), (62, 3005)):
            clock[0] += seconds
            server.advance(61)
            assert client.closed[0] == code
            assert client.session.info == (b"" if seconds == 99 else b"2")


def test_without_such_a_filter_the_client_is_told_and_brings_a_token(clock):
    with serving(LetIn, centrifugo_ping_interval=3600) as server:
        client = connected(server)
        assert client.result["ttl"] == 100
        assert client.ask("refresh", token=token("u", exp=int(clock[0]) + 500)) == {"expires": True, "ttl": 500}


def test_channels_that_a_filter_has_added_do_not_end_a_refreshed_connection(clock):
    with serving(LetIn) as server:
        client = connected(server, "u", exp=int(clock[0]) + 100, channels=["closed:b"])
        assert sorted(client.result["subs"]) == ["closed:a", "closed:b"]
        renewed = token("u", exp=int(clock[0]) + 500, channels=["closed:b"])
        assert client.ask("refresh", token=renewed) == {"expires": True, "ttl": 500}


def test_the_user_of_a_connection_is_that_of_its_client():
    with serving() as server:
        connected(server, "ann")
        Speaking(server).ask("connect")
        assert {each.user for each in server.pipeline().users.values()} == {"ann", None}

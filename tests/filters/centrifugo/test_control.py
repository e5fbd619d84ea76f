import pytest

from tests.filters.centrifugo.clients import connected, later
from tests.filters.centrifugo.requests import call, with_api
from tests.support.missed import HeldHistory


def test_a_users_connections_are_ended():
    with with_api() as server:
        a, b, other, nobody = (connected(server, user) for user in ("u", "u", "v", None))
        assert call(server, "disconnect", user="u", whitelist=[b.session.id]) == {}
        assert [each.closed[0] for each in (a, b, other)] == [3503, None, None]
        call(server, "disconnect", user="u", client=other.session.id)
        assert other.closed[0] is None
        call(server, "disconnect", user="v", client=other.session.id, disconnect={"code": 4501, "reason": "bye"})
        assert other.closed == (4501, "bye")
        call(server, "disconnect")
        assert (nobody.closed[0], b.closed[0]) == (3503, None)
        assert call(server, "disconnect", user="b", disconnect={"code": 2999}) == 107
        assert call(server, "disconnect", user="nobody") == {}


def test_only_subscribers_are_unsubscribed():
    with with_api() as server:
        a, b = connected(server, "u"), connected(server, "u")
        a.subscribe("open:a")
        assert call(server, "unsubscribe", user="u", channel="open:a") == {}
        end = {"code": 2000, "reason": "server unsubscribe"}
        assert a.pushed() == [{"channel": "open:a", "unsubscribe": end}]
        assert b.pushed() == []
        assert a.session.subscriptions == {}
        assert call(server, "unsubscribe", user="u") == 107


def test_a_client_unsubscribed_before_its_answer_has_the_answer_first():
    storage = HeldHistory()
    with with_api(storage_object=storage) as server:
        client = connected(server, "u")
        client.say({"subscribe": {"channel": "kept:a", "recover": True, "epoch": "x"}, "id": 7})
        assert storage.reads
        assert call(server, "unsubscribe", user="u", channel="kept:a") == {}
        assert client.hear() == []
        storage.go_on_to_the_end()
        answer, push = client.hear()
        assert answer["id"] == 7
        assert "subscribe" in answer
        assert push["push"]["unsubscribe"]["code"] == 2000
        assert client.session.subscriptions == {}


def test_clients_are_put_into_channels_and_get_what_they_missed():
    with with_api() as server:
        client = connected(server, "u")
        first = call(server, "publish", channel="kept:a", data=1)
        call(server, "publish", channel="kept:a", data=2)
        since = {"offset": 1, "epoch": first["epoch"]}
        assert call(server, "subscribe", user="u", channel="kept:a", data={"d": 1}, recover_since=since) == {}
        said, missed = client.pushed()
        assert said["subscribe"] | {"epoch": ""} == {
            "recoverable": True, "positioned": True, "offset": 1, "epoch": "", "data": {"d": 1},
        }  # fmt: skip
        assert missed["pub"]["data"] == 2
        call(server, "publish", channel="kept:a", data=3)
        assert client.data() == [3]
        call(server, "subscribe", user="u", channel="kept:a")
        assert client.pushed() == []
        assert client.session.subscriptions["kept:a"].server_side


def test_what_is_said_of_a_client_in_a_channel_and_overridden():
    with with_api() as server:
        client = connected(server, "u")
        override = {"presence": {"value": True}}
        call(server, "subscribe", user="u", channel="closed:a", info={"i": 1}, override=override, expire_at=later())
        assert call(server, "presence_stats", channel="closed:a") == 108
        assert server.result(server.storage_object.member_count("closed:a")) == 1
        subscription = client.session.subscriptions["closed:a"]
        assert (subscription.info, subscription.expires is not None) == (b'{"i": 1}', True)


@pytest.mark.parametrize(
    ("request_", "code"),
    [({}, 107), ({"channel": "nope:a"}, 102), ({"channel": "open:a", "override": 5}, 107), ({"channel": "open:a"}, {})],
)
def test_what_nobody_can_be_put_into(request_, code):
    with with_api() as server:
        assert call(server, "subscribe", user="u", **request_) == code


def test_too_many_channels_end_the_connection():
    with with_api(centrifugo_channel_limit=1) as server:
        client = connected(server, "u", channels=["closed:a"])
        call(server, "subscribe", user="u", channel="open:a")
        assert client.closed == (3505, "channel limit")


def test_connections_are_renewed_or_ended():
    with with_api() as server:
        client = connected(server, "u", exp=later())
        call(server, "refresh", user="u", expire_at=later(1000), info={"i": 2})
        (push,) = client.pushed()
        assert push["refresh"]["expires"]
        assert 990 < push["refresh"]["ttl"] <= 1000
        assert client.session.info == b'{"i": 2}'
        call(server, "refresh", user="u")
        assert client.pushed() == [{"refresh": {}}]
        assert client.session.expires is None
        call(server, "refresh", user="u", expire_at=5)
        assert client.closed == (3005, "connection expired")
        other = connected(server, "v")
        call(server, "refresh", user="v", expired=True)
        assert other.closed == (3005, "connection expired")


def test_no_moment_is_too_far_or_before_all():
    with with_api() as server:
        client = connected(server, "u")
        call(server, "refresh", user="u", expire_at=2**62)
        assert client.pushed() == [{"refresh": {"expires": True, "ttl": 365 * 86400}}]
        call(server, "refresh", user="u", expire_at=-5)
        assert client.pushed() == [{"refresh": {}}]
        call(server, "subscribe", user="u", channel="open:a", expire_at=-5)
        assert client.session.subscriptions["open:a"].expires is None
        assert client.closed[0] is None

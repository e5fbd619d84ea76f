import pytest

from filtered_websocket.commands.fws_server.assembly import Assembly
from filtered_websocket.errors import ConfigError
from tests.filters.centrifugo.clients import CENTRIFUGO, Speaking, connected, later, serving, token


def test_the_frame_limit_is_the_originals():
    with serving() as server:
        client = connected(server)
        assert client.publish("open:a", "x" * 65000) == {}
        client.publish("open:a", "x" * 66000)
        assert client.closed[0] == 1009


@pytest.mark.parametrize(
    "options", [{"centrifugo_namespaces": {}}, {"centrifugo_without_namespace": {"history_size": 5}}]
)
def test_what_is_wrong_is_told_at_the_start(options):
    with pytest.raises(ConfigError):
        serving(**options)


def test_the_channel_limit_counts_all_subscriptions():
    with serving(centrifugo_channel_limit=2) as server:
        client = connected(server, "u", channels=["closed:s"])
        assert client.subscribe("open:1") == {}
        assert client.subscribe("open:2") == 106
        client = Speaking(server)
        client.ask("connect", token=token(channels=["closed:1", "closed:2", "closed:3"]))
        assert client.closed == (3505, "channel limit")
        assert server.server.counters.totals["refused", "centrifugo_channel_limit"] == 2


def test_a_user_may_have_so_many_connections():
    with serving(centrifugo_user_connection_limit=1) as server:
        first = connected(server, "u")
        second = connected(server, "u")
        assert second.closed == (3504, "connection limit")
        assert server.server.counters.totals["refused", "centrifugo_user_connection_limit"] == 1
        first.wire.close()
        assert connected(server, "u").result["client"]
        assert connected(server).result["client"]
        assert connected(server).result["client"]


def test_tokens_of_nobody_may_be_refused():
    with serving(centrifugo_disallow_anonymous_tokens=True) as server:
        client = Speaking(server)
        client.ask("connect", token=token(""))
        assert client.closed == (3507, "permission denied")


def test_insecure_lifts_permissions_and_not_tokens():
    with serving(centrifugo_insecure=True, centrifugo_allow_anonymous=False) as server:
        client = connected(server)
        assert client.subscribe("closed:a") == {}
        assert client.subscribe("$closed:a") == 103
        assert client.publish("closed:b", 1) == {}
        assert client.ask("presence", channel="closed:a") == 108
        assert client.ask("history", channel="cache:a")["publications"] == []
        assert client.subscribe("nope:a") == 102
        assert connected(server, "u", exp=later()).result.keys() == {"client", "version", "ping", "pong"}
        bad = Speaking(server)
        bad.ask("connect", token="x")
        assert bad.closed[0] == 3500


def test_the_channels_of_users_are_in_a_namespace_that_there_is():
    def start(*argv):
        assembly = Assembly(("-f", CENTRIFUGO, "--centrifugo_user_channel", *argv), {})
        assembly.load()
        assembly.options()

    start("--centrifugo_user_channel_namespace", "news", "--centrifugo_namespaces", '[{"name": "news"}]')
    with pytest.raises(ConfigError, match="names 'nope', which is not among centrifugo_namespaces"):
        start("--centrifugo_user_channel_namespace", "nope")

import json

import pytest

from filtered_websocket.filters.centrifugo.config_file import Document
from filtered_websocket.filters.centrifugo.namespaces import read_options
from filtered_websocket.filters.centrifugo.original_settings import fills, no_effect
from filtered_websocket.testing.server import Server
from tests.filters.centrifugo.clients import CENTRIFUGO, connected

FULL = {
    "http_server": {"port": 9100, "address": "127.0.0.1"},
    "log": {"level": "trace"},
    "client": {
        "allowed_origins": ["https://*.example.org"],
        "token": {"hmac_secret_key": "secret", "audience": "me"},
        "subscription_token": {"enabled": True, "hmac_secret_key": "other"},
        "ping_interval": "10s", "pong_timeout": "3s", "channel_limit": 5, "insecure": False,
        "subscribe_to_user_personal_channel": {"enabled": True, "personal_channel_namespace": "ab"},
        "proxy": {"connect": {"enabled": True, "endpoint": "http://x"}},
        "user_connection_limit": 0, "queue_max_size": 2048000,
    },
    "channel": {
        "without_namespace": {"presence": True, "history_size": 5},
        "history_meta_ttl": "24h",
        "namespaces": [
            {"name": "ab", "history_size": 5, "history_ttl": "10s", "force_recovery": True,
             "subscribe_proxy_enabled": True},
            {"name": "cd", "history_size": 0, "history_ttl": "0s", "force_recovery": True, "proxy": {}},
        ],
    },
    "http_api": {"key": "k"}, "sse": {"enabled": True}, "uni_sse": {"enabled": True, "handler_prefix": "/x"},
    "engine": {"type": "redis", "redis": {"address": ["redis://h:1"]}},
    "admin": {"enabled": True}, "prometheus": {"enabled": True}, "usage_stats": {"disabled": True},
}  # fmt: skip


def filled(content, **more):
    return {name: value for name, (value, _) in fills(Document("a.json", content, **more)).items()}


def test_settings_are_options_of_ours():
    found = filled(FULL)
    assert {name: found[name] for name in ("port", "host", "log_level", "storage", "redis_url", "send_buffer")} == {
        "port": 9100, "host": "127.0.0.1", "log_level": "debug", "storage": "redis", "redis_url": "redis://h:1",
        "send_buffer": 2048000,
    }  # fmt: skip
    assert found["centrifugo_token_hmac_secret"] == "secret"
    assert found["centrifugo_subscription_token_hmac_secret"] == "other"
    assert (found["centrifugo_ping_interval"], found["centrifugo_channel_limit"]) == (10, 5)
    assert found["centrifugo_transports"] == ["websocket", "sse", "uni_sse"]
    assert found["centrifugo_without_namespace"] == {"presence": True}
    assert found["centrifugo_namespaces"] == [
        {"name": "ab", "history_size": 5, "history_ttl": "10s", "force_recovery": True, "history_meta_ttl": "24h"},
        {"name": "cd"},
    ]


@pytest.mark.parametrize(("enabled", "counts"), [(True, True), ("true", True), (False, False), ("false", False)])
def test_keys_of_subscription_tokens_count_where_they_are_enabled(enabled, counts):
    found = filled({"client": {"subscription_token": {"enabled": enabled, "hmac_secret_key": "other"}}})
    assert ("centrifugo_subscription_token_hmac_secret" in found) == counts


def test_faults_name_the_setting():
    assert fills(Document("a.json", FULL))["centrifugo_api_key"] == ("k", "a.json: http_api.key")


def test_what_has_no_effect_is_told_by_name():
    assert no_effect(Document("a.json", FULL)) == [
        "client.proxy.connect.enabled",
        "client.proxy.connect.endpoint",
        "uni_sse.handler_prefix",
        "channel.namespaces.ab.subscribe_proxy_enabled",
    ]


def test_nothing_is_filled_by_nothing():
    assert filled({}) == {"centrifugo_transports": ["websocket"]}
    assert filled({}, from_file=False) == {}
    assert filled({"sse": {"enabled": "true"}}, from_file=False) == {"centrifugo_transports": ["websocket", "sse"]}


@pytest.mark.parametrize(
    "content", [{"client": 5}, {"channel": []}, {"channel": {"namespaces": 5}}, {"client": {"token": []}}]
)
def test_what_is_no_configuration_does_no_harm(content):
    assert "centrifugo_token_hmac_secret" not in filled(content)
    assert isinstance(no_effect(Document("a.json", content)), list)


def test_it_counts_less_than_all_that_is_given(tmp_path):
    path = tmp_path / "config.json"
    path.write_text(json.dumps(FULL | {"engine": {}}))
    with Server(CENTRIFUGO, centrifugo_config=str(path), centrifugo_channel_limit=7) as server:
        options = server.pipeline().options
        assert (options.centrifugo_channel_limit, options.centrifugo_ping_interval) == (7, 10)
        assert options.centrifugo_namespaces["ab"].force_recovery
        assert options.source("centrifugo_ping_interval") == "centrifugo_config"


def test_a_server_runs_with_it(tmp_path):
    path = tmp_path / "config.json"
    content = {"client": {"insecure": True}, "channel": {"namespaces": [{"name": "ab", "presence": True}]}}
    path.write_text(json.dumps(content))
    with Server(CENTRIFUGO, centrifugo_config=str(path)) as server:
        client = connected(server)
        assert client.subscribe("ab:x") == {}
        assert client.ask("presence", channel="ab:x")["presence"]


@pytest.mark.parametrize(("nothing", "time"), [(0, "0s"), ("0", "0s")])
def test_what_is_zero_is_the_default_as_in_the_original(nothing, time):
    client = {"channel_limit": nothing, "queue_max_size": nothing, "connection_limit": nothing, "allowed_origins": []}
    client |= {"ping_interval": time, "pong_timeout": time, "stale_close_delay": time}
    channel = {"max_length": nothing, "without_namespace": {"force_recovery_mode": ""}}
    found = filled({"client": client, "channel": channel, "websocket": {"message_size_limit": nothing}})
    assert set(found) == {"centrifugo_without_namespace", "centrifugo_transports"}
    assert read_options(found["centrifugo_without_namespace"]).force_recovery_mode == "stream"

import json

import pytest

from filtered_websocket.filters.centrifugo.original_environment import from_environment
from filtered_websocket.filters.centrifugo.original_settings import fills, no_effect

ENVIRON = {
    "CENTRIFUGO_CLIENT_TOKEN_HMAC_SECRET_KEY": "secret",
    "CENTRIFUGO_CLIENT_ALLOWED_ORIGINS": "https://a https://b",
    "CENTRIFUGO_CHANNEL_WITHOUT_NAMESPACE_PRESENCE": "true",
    "CENTRIFUGO_CHANNEL_WITHOUT_NAMESPACE_HISTORY_SIZE": "100",
    "CENTRIFUGO_CHANNEL_WITHOUT_NAMESPACE_HISTORY_TTL": "300s",
    "CENTRIFUGO_CHANNEL_WITHOUT_NAMESPACE_ALLOWED_DELTA_TYPES": "fossil",
    "CENTRIFUGO_CHANNEL_NAMESPACES": "small x-y",
    "CENTRIFUGO_CHANNEL_NAMESPACES_SMALL_JOIN_LEAVE": "1",
    "CENTRIFUGO_CHANNEL_NAMESPACES_X_Y_CHANNEL_REGEX": "^a$",
    "CENTRIFUGO_CHANNEL_NAMESPACES_OTHER_PRESENCE": "true",
    "CENTRIFUGO_CHANNEL_NAMESPACES_SMALL_NOTHING": "true",
    "CENTRIFUGO_GRPC_API_ENABLED": "true",
    "CENTRIFUGO_CLIENT_INSECURE": "",
}


def test_names_are_the_settings_that_a_file_would_have():
    document = from_environment(ENVIRON)
    filled = {name: value for name, (value, _) in fills(document).items()}
    assert filled == {
        "centrifugo_token_hmac_secret": "secret",
        "allowed_origins": "https://a https://b",
        "centrifugo_without_namespace": {
            "presence": True, "history_size": 100, "history_ttl": "300s", "allowed_delta_types": ["fossil"],
        },
        "centrifugo_namespaces": [{"name": "small", "join_leave": True}, {"name": "x-y", "channel_regex": "^a$"}],
    }  # fmt: skip
    assert no_effect(document) == [
        "CENTRIFUGO_CHANNEL_NAMESPACES_OTHER_PRESENCE",
        "CENTRIFUGO_CHANNEL_NAMESPACES_SMALL_NOTHING",
        "CENTRIFUGO_GRPC_API_ENABLED",
    ]


def test_namespaces_may_be_a_json_list_and_more_is_said_of_each():
    listed = [{"name": "news", "history_size": 5, "presence": True}, {"name": "a.b-c"}]
    environ = {
        "CENTRIFUGO_CHANNEL_NAMESPACES_NEWS_HISTORY_TTL": "9s",
        "CENTRIFUGO_CHANNEL_NAMESPACES_A_B_C_JOIN_LEAVE": "true",
        "CENTRIFUGO_CHANNEL_NAMESPACES": json.dumps(listed),
    }
    document = from_environment(environ)
    assert fills(document)["centrifugo_namespaces"][0] == [
        {"name": "news", "history_size": 5, "presence": True, "history_ttl": "9s"},
        {"name": "a.b-c", "join_leave": True},
    ]
    assert no_effect(document) == []


@pytest.mark.parametrize("text", ["[", "[5]", "[{}]", '[{"name": 5}]'])
def test_what_is_no_list_of_namespaces_is_refused(text):
    with pytest.raises(ValueError, match=r"."):
        from_environment({"CENTRIFUGO_CHANNEL_NAMESPACES": text})


@pytest.mark.parametrize("value", [5, [], {"a": 1}, {"a": None}])
def test_what_is_no_environment_is_refused(value):
    with pytest.raises(ValueError, match="names and texts"):
        from_environment(value)

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


@pytest.mark.parametrize("value", [5, [], {"a": 1}, {"a": None}])
def test_what_is_no_environment_is_refused(value):
    with pytest.raises(ValueError, match="names and texts"):
        from_environment(value)

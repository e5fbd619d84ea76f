"""The options of the Centrifugo pack."""

from typing import Any

from filtered_websocket.chain.interfaces import Options
from filtered_websocket.config.option import Option, Original
from filtered_websocket.config.parsers import bearer, boolean, integer, json_value, seconds, size, text, words
from filtered_websocket.errors import ConfigError
from filtered_websocket.filters.centrifugo import config_file, original_settings
from filtered_websocket.filters.centrifugo.namespaces import ChannelOptions, read_namespaces, read_options
from filtered_websocket.filters.centrifugo.original_environment import from_environment
from filtered_websocket.filters.centrifugo.token_options import OF_CLIENTS, OF_SUBSCRIPTIONS

ALL_TRANSPORTS = ("websocket", "http_stream", "sse", "uni_websocket", "uni_http_stream", "uni_sse")


def _transports(value: Any) -> list[str]:
    names = list(dict.fromkeys(words(value)))
    if not names or not set(names) <= set(ALL_TRANSPORTS):
        raise ValueError(f"some of {', '.join(ALL_TRANSPORTS)} are wanted")
    return names


ALLOW_ANONYMOUS = Option(
    "centrifugo_allow_anonymous", boolean, False, "clients without a token may connect, as the user without an id",
    scope="pipeline", switch=True,
)  # fmt: skip
DISALLOW_ANONYMOUS_TOKENS = Option(
    "centrifugo_disallow_anonymous_tokens", boolean, False, "tokens of the user without an id are refused (3507)",
    scope="pipeline", switch=True,
)  # fmt: skip
INSECURE = Option(
    "centrifugo_insecure", boolean, False,
    "UNSAFE: clients need no token to connect, and no permission to subscribe, publish and ask", scope="pipeline",
    switch=True,
)  # fmt: skip
USER_CHANNEL = Option(
    "centrifugo_user_channel", boolean, False, "each client is put into the channel of its user, #USER",
    scope="pipeline", switch=True,
)  # fmt: skip
USER_CHANNEL_NAMESPACE = Option(
    "centrifugo_user_channel_namespace", text, "", "the namespace of these channels, NAMESPACE:#USER", scope="pipeline"
)
USER_SINGLE = Option(
    "centrifugo_user_single", boolean, False,
    "with centrifugo_user_channel: a client that connects ends the other connections of its user, on all nodes (3504)",
    scope="pipeline", switch=True,
)  # fmt: skip
WITHOUT_NAMESPACE = Option(
    "centrifugo_without_namespace", json_value(read_options), ChannelOptions(),
    'JSON object: the options of channels without namespace, such as {"allow_subscribe_for_client": true}',
    scope="pipeline",
)  # fmt: skip
NAMESPACES = Option(
    "centrifugo_namespaces", json_value(read_namespaces), {},
    'JSON list of namespaces: {"name": "news", "history_size": 100, "history_ttl": "10m", "force_recovery": true}',
    scope="pipeline",
)  # fmt: skip
PING_INTERVAL = Option(
    "centrifugo_ping_interval", seconds(0.1, 3600), 25, "time between pings", unit="s", scope="pipeline"
)
PONG_TIMEOUT = Option(
    "centrifugo_pong_timeout", seconds(0.1, 3600), 8, "time in which a client answers a ping, else 3012", unit="s",
    scope="pipeline",
)  # fmt: skip
STALE_DELAY = Option(
    "centrifugo_stale_delay", seconds(1, 3600), 10, "time in which a client connects, else 3502", unit="s",
    scope="pipeline",
)  # fmt: skip
EXPIRED_DELAY = Option(
    "centrifugo_expired_delay", seconds(0, 3600), 25,
    "time that a client has to bring a new token when the one of its connection or subscription has expired", unit="s",
    scope="pipeline",
)  # fmt: skip
CHANNEL_LIMIT = Option(
    "centrifugo_channel_limit", integer(1, 1_000_000), 128, "channels one client may be in", scope="pipeline"
)
CHANNEL_MAX_LENGTH = Option(
    "centrifugo_channel_max_length", integer(1, 65535), 255, "longest name of a channel", unit="bytes", scope="pipeline"
)
USER_CONNECTION_LIMIT = Option(
    "centrifugo_user_connection_limit", integer(0, 1_000_000), 0,
    "connections of one user on this process; more are refused (3504); 0: any number", scope="pipeline", limits=True,
)  # fmt: skip
HISTORY_LIMIT = Option(
    "centrifugo_history_limit", integer(1, 1_000_000), 300, "publications that a client gets at once from history",
    scope="pipeline",
)  # fmt: skip
RPC_PING = Option(
    "centrifugo_rpc_ping", boolean, False, "clients may call the method ping, which answers nothing", scope="pipeline",
    switch=True,
)  # fmt: skip
API_KEY = Option(
    "centrifugo_api_key",
    bearer,
    "",
    "the key of the server API; empty: nobody may use it",
    scope="pipeline",
    secret=True,
)
API_INSECURE = Option(
    "centrifugo_api_insecure", boolean, False, "UNSAFE: the server API takes no key", scope="pipeline", switch=True
)
API_MAX_BODY = Option(
    "centrifugo_api_max_body", size(1024, 1 << 30), 16 << 20, "largest request of the server API", unit="bytes",
    scope="pipeline",
)  # fmt: skip
TRANSPORTS = Option(
    "centrifugo_transports", _transports, [*ALL_TRANSPORTS],
    f"what is served, each at /connection/NAME: {', '.join(ALL_TRANSPORTS)}", many=True, scope="pipeline",
)  # fmt: skip
CONFIG = Option(
    "centrifugo_config", config_file.read, None,
    "a configuration file of Centrifugo 6, in JSON, YAML or TOML, taken as it is; what has no effect here is told",
    scope="pipeline", secret=True, fills=original_settings.fills,
)  # fmt: skip
ENVIRONMENT = Option(
    "centrifugo_environment", json_value(from_environment), None,
    "JSON object: environment names of Centrifugo 6; those that there are count by themselves while no other pack is "
    "loaded", scope="pipeline", secret=True, fills=original_settings.fills,
)  # fmt: skip
OPTIONS = (
    *OF_CLIENTS.options, *OF_SUBSCRIPTIONS.options,
    ALLOW_ANONYMOUS, DISALLOW_ANONYMOUS_TOKENS, INSECURE, USER_CHANNEL, USER_CHANNEL_NAMESPACE, USER_SINGLE,
    WITHOUT_NAMESPACE, NAMESPACES, PING_INTERVAL, PONG_TIMEOUT, STALE_DELAY, EXPIRED_DELAY, CHANNEL_LIMIT,
    CHANNEL_MAX_LENGTH, USER_CONNECTION_LIMIT, HISTORY_LIMIT, RPC_PING, API_KEY, API_INSECURE,
    API_MAX_BODY, TRANSPORTS, CONFIG, ENVIRONMENT,
)  # fmt: skip

ORIGINAL = Original(
    "centrifugo",
    8000,
    flags={"--client.insecure": "centrifugo_insecure", "--http_api.insecure": "centrifugo_api_insecure"},
    gathered=(config_file.PREFIX, "centrifugo_environment"),
)

DEFAULTS = {
    "max_message_size": 65536,  # the original's; 1009, which ends its clients' attempts
    "max_channels": 1_000_000,  # centrifugo_channel_limit says how many; some take two of the hub's
}


def check(options: Options) -> None:
    """
    :raises ConfigError: the channels of users are in a namespace that there is not: no client could connect
    """
    namespace = options.centrifugo_user_channel_namespace
    if options.centrifugo_user_channel and namespace and namespace not in options.centrifugo_namespaces:
        raise ConfigError(
            f"centrifugo_user_channel_namespace names {namespace!r}, which is not among centrifugo_namespaces"
        )

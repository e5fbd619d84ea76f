"""What Centrifugo's settings are here: each of its names that means something, and the option that it is.

What has no effect is told by name (`no_effect`), and keeps nobody from starting.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from filtered_websocket.filters.centrifugo.config_file import Document
from filtered_websocket.filters.centrifugo.namespaces import ChannelOptions, seconds

Fill = Callable[[Any], Any]


def _same(value: Any) -> Any:
    return value


def _unless_zero(value: Any) -> Any:
    # As text, too: so environment names have it.
    return None if value == "0" else value or None


def _time(value: Any) -> Any:
    return seconds(value) or None


def _level(value: Any) -> Any:
    return {"trace": "debug", "fatal": "error", "none": "error"}.get(value, value)


TOKENS = {"client.token": "centrifugo_token", "client.subscription_token": "centrifugo_subscription_token"}
"""What says which keys sign tokens, and what the options are called."""


def _tokens(path: str) -> dict[str, tuple[str, Fill]]:
    option = TOKENS[path]
    return {
        f"{path}.hmac_secret_key": (f"{option}_hmac_secret", _same),
        f"{path}.hmac_previous_secret_key": (f"{option}_hmac_previous_secret", _same),
        f"{path}.hmac_previous_secret_key_valid_until": (f"{option}_hmac_previous_secret_until", _unless_zero),
        f"{path}.rsa_public_key": (f"{option}_public_key", _unless_zero),
        f"{path}.ecdsa_public_key": (f"{option}_public_key", _unless_zero),
        f"{path}.audience": (f"{option}_audience", _same),
        f"{path}.issuer": (f"{option}_issuer", _same),
        f"{path}.audience_regex": (f"{option}_audience_regex", _same),
        f"{path}.issuer_regex": (f"{option}_issuer_regex", _same),
    }


SETTINGS: Mapping[str, tuple[str, Fill]] = {
    "http_server.address": ("host", _unless_zero),
    "http_server.port": ("port", _unless_zero),
    "log.level": ("log_level", _level),
    "client.allowed_origins": ("allowed_origins", _unless_zero),
    **{path: setting for kind in TOKENS for path, setting in _tokens(kind).items()},
    "client.allow_anonymous_connect_without_token": ("centrifugo_allow_anonymous", _same),
    "client.disallow_anonymous_connection_tokens": ("centrifugo_disallow_anonymous_tokens", _same),
    "client.insecure": ("centrifugo_insecure", _same),
    "client.ping_interval": ("centrifugo_ping_interval", _time),
    "client.pong_timeout": ("centrifugo_pong_timeout", _time),
    "client.stale_close_delay": ("centrifugo_stale_delay", _time),
    "client.expired_close_delay": ("centrifugo_expired_delay", seconds),
    "client.channel_limit": ("centrifugo_channel_limit", _unless_zero),
    "client.user_connection_limit": ("centrifugo_user_connection_limit", _same),
    "client.connection_limit": ("max_connections", _unless_zero),
    "client.queue_max_size": ("send_buffer", _unless_zero),
    "client.history_max_publication_limit": ("centrifugo_history_limit", _unless_zero),
    "client.recovery_max_publication_limit": ("recovery_publications", _unless_zero),
    "client.subscribe_to_user_personal_channel.enabled": ("centrifugo_user_channel", _same),
    "client.subscribe_to_user_personal_channel.personal_channel_namespace": (
        "centrifugo_user_channel_namespace",
        _same,
    ),
    "client.subscribe_to_user_personal_channel.single_connection": ("centrifugo_user_single", _same),
    "channel.max_length": ("centrifugo_channel_max_length", _unless_zero),
    "rpc.ping.enabled": ("centrifugo_rpc_ping", _same),
    "http_api.key": ("centrifugo_api_key", _same),
    "http_api.insecure": ("centrifugo_api_insecure", _same),
    "websocket.message_size_limit": ("max_message_size", _unless_zero),
}
"""By the path of a setting: the option that it is, and what its value becomes; None for the option's default."""

_ON = True, "true", "1"
OWN_KEYS = "client.subscription_token.enabled"
SUBSCRIPTION_TOKENS = "client.subscription_token."
CHANNEL = "channel.without_namespace", "channel.namespaces", "channel.history_meta_ttl"
SWITCHES = {
    "websocket.disabled": "websocket", "sse.enabled": "sse", "http_stream.enabled": "http_stream",
    "uni_websocket.enabled": "uni_websocket", "uni_sse.enabled": "uni_sse",
    "uni_http_stream.enabled": "uni_http_stream",
}  # fmt: skip
STORAGE = "engine.type", "engine.redis.address"
HARMLESS = (
    "usage_stats",
    "prometheus",
    "health",
    "admin",
    "swagger",
    "debug",
    "pid_file",
    "node",
    "shutdown",
    "grpc_api",
)
"""Settings of what the original's operators look at: nothing of what clients get changes without them."""


def fills(document: Document) -> dict[str, tuple[Any, str]]:
    """The options that a configuration gives values, and where these stand."""
    return dict(_fills(document))


def _fills(document: Document) -> Iterator[tuple[str, tuple[Any, str]]]:
    for path, (option, become) in SETTINGS.items():
        given = document.get(path)
        if given is None or (path.startswith(SUBSCRIPTION_TOKENS) and not _own_keys(document)):
            continue
        try:
            value = become(given)
        except ValueError:
            value = given  # which the option refuses
        if value is not None:
            yield option, (value, f"{document.place}: {path}")
    yield from _channels(document)
    transports = _transports(document)
    if transports is not None:
        yield "centrifugo_transports", (transports, f"{document.place}: the transports that are enabled")
    if document.get("engine.type") == "redis":
        yield "storage", ("redis", f"{document.place}: engine.type")
        addresses = document.get("engine.redis.address")
        if addresses:
            found = " ".join(addresses) if isinstance(addresses, list) else addresses
            yield "redis_url", (found, f"{document.place}: engine.redis.address")


def _own_keys(document: Document) -> bool:
    """Whether subscription tokens have keys of their own: of a whole configuration what it says."""
    enabled = document.get(OWN_KEYS)
    return enabled in _ON or (enabled is None and not document.from_file)


def _channels(document: Document) -> Iterator[tuple[str, tuple[Any, str]]]:
    meta = document.get("channel.history_meta_ttl")
    without, namespaces = document.get("channel.without_namespace"), document.get("channel.namespaces")
    if isinstance(without, dict):
        yield "centrifugo_without_namespace", (_known(without, meta), f"{document.place}: channel.without_namespace")
    if isinstance(namespaces, list):
        named = [
            {"name": each.get("name")} | _known(each, meta) if isinstance(each, dict) else each for each in namespaces
        ]
        yield "centrifugo_namespaces", (named, f"{document.place}: channel.namespaces")


def _known(options: Mapping[str, Any], meta: Any) -> dict[str, Any]:
    """The channel options that there are here."""
    known = {name: value for name, value in options.items() if name in ChannelOptions._fields and value is not None}
    if meta and not known.get("history_meta_ttl"):
        known["history_meta_ttl"] = meta
    # As in the original, history needs both.
    if not (known.get("history_size") and known.get("history_ttl") not in (None, "", "0s", 0)):
        for name in ("history_size", "history_ttl", "history_meta_ttl", "force_recovery", "force_positioning"):
            known.pop(name, None)
    return known


def _transports(document: Document) -> list[str] | None:
    """What is served: of a whole configuration what it says, of the environment only if it says something."""
    said = {path: document.get(path) for path in SWITCHES}
    if not document.from_file and not any(value is not None for value in said.values()):
        return None
    on = {path: value in _ON for path, value in said.items()}
    return [name for path, name in SWITCHES.items() if on[path] != path.endswith(".disabled")]


def no_effect(document: Document) -> list[str]:
    """The settings that are given and mean nothing here."""
    known = {*SETTINGS, OWN_KEYS, *CHANNEL, *SWITCHES, *STORAGE}
    found = [path for path in _paths(document.content) if path not in known and not _within(path, HARMLESS)]
    for place, options in _namespaces(document):
        found += [
            f"{place}.{name}" for name, value in options.items()
            if name not in ("name", *ChannelOptions._fields) and not _empty(value)
        ]  # fmt: skip
    return [*found, *document.unknown]


def _namespaces(document: Document) -> Iterator[tuple[str, Mapping[str, Any]]]:
    without, namespaces = document.get("channel.without_namespace"), document.get("channel.namespaces")
    if isinstance(without, dict):
        yield "channel.without_namespace", without
    for each in namespaces if isinstance(namespaces, list) else ():
        if isinstance(each, dict):
            yield f"channel.namespaces.{each.get('name')}", each


def _paths(content: Mapping[str, Any], before: str = "") -> Iterator[str]:
    """The settings that say something: not those that are off or empty, as a file of all defaults has them."""
    for name, value in content.items():
        path = f"{before}{name}"
        if path in CHANNEL:
            yield path
        elif isinstance(value, dict):
            yield from _paths(value, f"{path}.")
        elif not _empty(value):
            yield path


def _empty(value: Any) -> bool:
    return value in (None, False, "", 0, "0s") or value in ([], {})


def _within(path: str, names: tuple[str, ...]) -> bool:
    return path.partition(".")[0] in names

"""The options of the WSPS pack."""

from typing import Any

from filtered_websocket.config.option import Option, Original
from filtered_websocket.config.parsers import json_value, seconds, text
from filtered_websocket.filters.wsps import auth, settings


def _patterns(value: Any) -> tuple[str, ...]:
    wanted = 'a JSON list of patterns is wanted, such as ["chat", "user/*"]'
    if not isinstance(value, list | tuple | set | frozenset) or not all(isinstance(each, str) for each in value):
        raise ValueError(wanted)
    return tuple(value)


def _keys(value: Any) -> dict[str, str | None]:
    # None is what WSPS compared with the key of a packet that has none.
    if not isinstance(value, dict) or not all(
        isinstance(pattern, str) and isinstance(key, str | None) for pattern, key in value.items()
    ):
        raise ValueError('a JSON object of patterns and keys is wanted, such as {"user/*": "a key"}')
    return dict(value)


def _manager(value: Any) -> str:
    name = text(value)
    if name:
        auth.manager_class(name)
    return name


ALLOWED_CHANNELS = Option(
    "wsps_allowed_channels",
    json_value(_patterns),
    ("*",),
    "JSON list: patterns of the channels there may be; ? is one character, * any, / too",
    scope="pipeline",
)
SUBSCRIBE_KEYS = Option(
    "wsps_subscribe_keys",
    json_value(_keys),
    {},
    "JSON object: a pattern of channels to the key that subscribing to them takes",
    scope="pipeline",
    secret=True,
)
PUBLISH_KEYS = Option(
    "wsps_publish_keys",
    json_value(_keys),
    {},
    "JSON object: a pattern of channels to the key that publishing to them takes",
    scope="pipeline",
    secret=True,
)
AUTHORIZATION_MANAGER = Option(
    "wsps_authorization_manager",
    _manager,
    "",
    "the class that decides, module:Class; without it the keys do where there are any, and else everything is allowed",
    scope="pipeline",
)
STATS_SECONDS = Option(
    "wsps_stats_seconds",
    seconds(0, 86400),
    60,
    "how often the number of clients is logged; 0: never",
    unit="s",
    scope="pipeline",
)
SETTINGS = Option(
    "wsps_settings",
    settings.read,
    None,
    "module of settings as WSPS had them, such as local_settings",
    scope="pipeline",
    fills=settings.fills,
)
OPTIONS = (ALLOWED_CHANNELS, SUBSCRIBE_KEYS, PUBLISH_KEYS, AUTHORIZATION_MANAGER, STATS_SECONDS, SETTINGS)

ORIGINAL = Original("wsps", 52525)
DEFAULTS = {
    "allowed_origins": ["*"],  # pages of any origin could connect to WSPS
    "max_channels": 1024,  # it had no limit, and pages subscribe to what they show
}

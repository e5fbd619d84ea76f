"""Channels: what their names say, and what the options of their namespaces allow.

`namespace:rest`: what stands before the first colon, behind a leading `$`, names the namespace; without a colon, or
with nothing before it, the one without a name. A name that begins with `$` takes a subscription token. Behind the last
`#` stand the ids of the users that a channel is limited to.
"""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from filtered_websocket.filters.centrifugo.codes import BAD_REQUEST, UNKNOWN_CHANNEL, Error

HOUR = 3600
META_SECONDS = 720 * HOUR
FORMATS = ("", "json", "json_object", "binary")
MODES = ("stream", "cache")
REMEMBERED = 1024
"""Names of channels that were found good, with their options: each publication names one."""


class ChannelOptions(NamedTuple):
    """What a namespace allows, under Centrifugo's names; times are seconds."""

    presence: bool = False
    join_leave: bool = False
    force_push_join_leave: bool = False
    history_size: int = 0
    history_ttl: float = 0
    history_meta_ttl: float = 0
    force_positioning: bool = False
    allow_positioning: bool = False
    force_recovery: bool = False
    allow_recovery: bool = False
    force_recovery_mode: str = "stream"
    auto_cache_recover: bool = False
    allow_subscribe_for_client: bool = False
    allow_subscribe_for_anonymous: bool = False
    allow_publish_for_client: bool = False
    allow_publish_for_subscriber: bool = False
    allow_publish_for_anonymous: bool = False
    allow_presence_for_client: bool = False
    allow_presence_for_subscriber: bool = False
    allow_presence_for_anonymous: bool = False
    allow_history_for_client: bool = False
    allow_history_for_subscriber: bool = False
    allow_history_for_anonymous: bool = False
    allow_user_limited_channels: bool = False
    allowed_delta_types: tuple[str, ...] = ()
    delta_publish: bool = False
    allow_tags_filter: bool = False
    channel_regex: str = ""
    publication_data_format: str = ""

    @property
    def keeps_history(self) -> bool:
        return self.history_size > 0 and self.history_ttl > 0

    def may(self, what: str, user: str, subscribed: bool) -> bool:
        """Whether a client may publish, or see presence or history.

        :param what: "publish", "presence" or "history"
        """
        client, subscriber, anonymous = _PLACES[what]
        return bool((self[client] or (subscribed and self[subscriber])) and (user or self[anonymous]))


_PLACES = {
    what: [ChannelOptions._fields.index(f"allow_{what}_for_{whom}") for whom in ("client", "subscriber", "anonymous")]
    for what in ("publish", "presence", "history")
}
"""Of the three options that say what clients may."""


class Namespaces:
    """
    :param named: the namespaces by name; "" is that of channels without one
    :param longest: bytes of a channel's name
    """

    def __init__(self, named: Mapping[str, ChannelOptions], longest: int = 255) -> None:
        self._named, self._longest = named, longest
        self.checked: Callable[[str], ChannelOptions] = lru_cache(REMEMBERED)(self._checked)
        """The options of a channel whose name a client has chosen: as `of`, and Error 107, no channel can be called
        so."""

    def of(self, channel: str) -> ChannelOptions:
        """The options of a channel.

        :raises Error: 102, there is no such namespace
        """
        options = self._named.get(namespace_of(channel))
        if options is None:
            raise Error(UNKNOWN_CHANNEL)
        return options

    def _checked(self, channel: str) -> ChannelOptions:
        options = self.of(channel)
        self.check_length(channel)
        self.check_name(channel, options)
        return options

    def check_length(self, channel: str) -> None:
        """
        :raises Error: 107, the name is too long
        """
        if len(channel) > self._longest or (not channel.isascii() and len(channel.encode()) > self._longest):
            raise Error(BAD_REQUEST, limit="centrifugo_channel_max_length")

    @staticmethod
    def check_name(channel: str, options: ChannelOptions) -> None:
        """
        :raises Error: 107, no channel of this namespace can be called so
        """
        if options.channel_regex:
            _, colon, rest = channel.partition(":")
            # Python's $ fits before a newline at the end, too, Go's does not.
            good = channel[-1:] != "\n" and re.search(options.channel_regex, rest if colon else channel) is not None
        else:
            good = channel.isascii()
        # What begins so is the pack's own (`channels`), and no client may name it.
        if not good or channel < " ":
            raise Error(BAD_REQUEST)


def namespace_of(channel: str) -> str:
    """The name of a channel's namespace."""
    name, colon, _ = channel.partition(":")
    return name.removeprefix("$") if colon else ""


def is_private(channel: str) -> bool:
    """Whether it takes a subscription token."""
    return channel[:1] == "$"


def users_of(channel: str) -> list[str] | None:
    """The ids of the users that a channel is limited to; None: it is limited to none."""
    _, limited, users = channel.rpartition("#")
    # An empty id would be that of all anonymous users.
    return [each for each in users.split(",") if each] if limited else None


# Reading options.


def read_namespaces(value: Any) -> dict[str, ChannelOptions]:
    """The namespaces of an option: a list of objects with a name. Raises ValueError."""
    if not isinstance(value, list):
        raise ValueError('a JSON list of namespaces is wanted, such as [{"name": "news", "presence": true}]')
    found: dict[str, ChannelOptions] = {}
    for each in value:
        name = each.get("name") if isinstance(each, dict) else None
        if not isinstance(name, str) or not re.fullmatch(r"[-a-zA-Z0-9_.]{2,}", name):
            raise ValueError("a namespace wants a name of two or more of a-z A-Z 0-9 - _ .")
        if name in found:
            raise ValueError(f"two namespaces are called {name}")
        found[name] = read_options({key: entry for key, entry in each.items() if key != "name"})
    return found


def read_options(value: Any) -> ChannelOptions:
    """The options of one namespace. Raises ValueError."""
    if not isinstance(value, dict):
        raise ValueError('a JSON object of channel options is wanted, such as {"presence": true}')
    read: dict[str, Any] = {}
    for name, entry in value.items():
        if name not in ChannelOptions._fields:
            raise ValueError(f"there is no channel option {name!r}")
        read[name] = _read(name, entry, ChannelOptions._field_defaults[name])
    options = ChannelOptions(**read)
    if (options.history_size > 0) != (options.history_ttl > 0):
        raise ValueError("history_size and history_ttl go together")
    if not options.keeps_history:
        wants = [name for name in ("force_positioning", "force_recovery") if getattr(options, name)]
        if wants:
            raise ValueError(f"{wants[0]} wants history: history_size and history_ttl")
    meta = options.history_meta_ttl or META_SECONDS
    if meta < options.history_ttl:
        raise ValueError("history_meta_ttl is not to be shorter than history_ttl")
    return options._replace(history_meta_ttl=meta)


def _read(name: str, value: Any, default: Any) -> Any:
    if name.endswith("_ttl"):
        return seconds(value)
    if name == "allowed_delta_types":
        if not isinstance(value, list) or not set(map(str, value)) <= {"fossil"}:
            raise ValueError('allowed_delta_types is to be [] or ["fossil"]')
        return tuple(value)
    if isinstance(default, bool):
        if not isinstance(value, bool):
            raise ValueError(f"{name} is to be true or false")
    elif isinstance(default, int):
        if type(value) is not int or not 0 <= value <= 1_000_000:
            raise ValueError(f"{name} is to be an integer from 0 to 1000000")
    elif not isinstance(value, str):
        raise ValueError(f"{name} is to be a text")
    if name == "force_recovery_mode" and not value:
        return default
    if name == "force_recovery_mode" and value not in MODES:
        raise ValueError(f"force_recovery_mode is to be one of {', '.join(MODES)}")
    if name == "publication_data_format" and value not in FORMATS:
        raise ValueError('publication_data_format is to be "", json, json_object or binary')
    if name == "channel_regex":
        try:
            re.compile(value)
        except re.error as error:
            raise ValueError(f"channel_regex is no regular expression ({error})") from None
    return value


_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}


def seconds(value: Any) -> float:
    """Seconds, from a number or from a text as Go writes durations: "300s", "1h30m". Raises ValueError."""
    wanted = 'a time is wanted, such as "300s" or "1h30m", or a number of seconds'
    if isinstance(value, str):
        parts = re.findall(r"([0-9]+(?:\.[0-9]+)?)(ms|us|µs|ns|h|m|s)", value)
        if not parts or "".join(number + unit for number, unit in parts) != value:
            raise ValueError(wanted)
        value = sum(float(number) * _UNITS[unit] for number, unit in parts)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 100 * 365 * 86400:
        raise ValueError(wanted)
    return float(value)

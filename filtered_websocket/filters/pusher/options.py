"""The options of the Pusher pack."""

from collections.abc import Iterator

from filtered_websocket.chain.interfaces import Options
from filtered_websocket.config.option import Option, Original
from filtered_websocket.config.parsers import boolean, integer, json_value, seconds, size
from filtered_websocket.filters.pusher.apps import read_apps

APPS = Option(
    "pusher_apps", json_value(read_apps), (),
    'JSON list of apps: {"id": "1001", "key": ..., "secret": ..., "client_events": true, "webhooks": [url]}',
    scope="pipeline", secret=True,
)  # fmt: skip
WEBHOOK_PRIVATE = Option(
    "pusher_webhook_private", boolean, False, "web hooks may go to private addresses too, such as 127.0.0.1",
    scope="pipeline", switch=True,
)  # fmt: skip
WEBHOOK_DELAY = Option(
    "pusher_webhook_delay", seconds(0, 3600), 3,
    "time after which web hooks are told that a member has left or a channel is vacated, if that is so still; 0: none",
    unit="s", scope="pipeline",
)  # fmt: skip
CLIENT_EVENT_RATE = Option(
    "pusher_client_event_rate", integer(0, 1_000_000), 10, "client events of one connection per second; 0: any number",
    scope="pipeline", limits=True,
)  # fmt: skip
MAX_EVENT_SIZE = Option(
    "pusher_max_event_size", size(1, 1 << 30), 10 * 1024, "largest data of an event", unit="bytes", scope="pipeline"
)
MAX_CHANNEL_NAME = Option(
    "pusher_max_channel_name", integer(1, 200), 164, "longest name of a channel", unit="characters", scope="pipeline"
)
MAX_MEMBERS = Option(
    "pusher_max_members", integer(0, 1_000_000), 100, "members of one presence channel; 0: any number",
    scope="pipeline", limits=True,
)  # fmt: skip
MAX_MEMBER_SIZE = Option(
    "pusher_max_member_size", size(1, 1 << 20), 2048, "largest channel_data of a member", unit="bytes",
    scope="pipeline",
)  # fmt: skip
ACTIVITY_TIMEOUT = Option(
    "pusher_activity_timeout", integer(1, 86400), 120, "silence after which clients are told to ping", unit="s",
    scope="pipeline",
)  # fmt: skip
CACHE_SECONDS = Option(
    "pusher_cache_seconds", seconds(1, 10 * 365 * 86400), 1800, "how long cache channels keep their last event",
    unit="s", scope="pipeline",
)  # fmt: skip
OPTIONS = (
    APPS, WEBHOOK_PRIVATE, WEBHOOK_DELAY, CLIENT_EVENT_RATE, MAX_EVENT_SIZE, MAX_CHANNEL_NAME, MAX_MEMBERS,
    MAX_MEMBER_SIZE, ACTIVITY_TIMEOUT, CACHE_SECONDS,
)  # fmt: skip

ORIGINAL = Original("pusher", 6001)
"""The port is that of soketi and laravel-websockets; Pusher's own cannot be run."""

DEFAULTS = {"allowed_origins": ["*"]}
"""Nothing here goes by cookies: a page of any origin can do what its key and signatures let it."""


def no_effect(options: Options) -> Iterator[tuple[str, str]]:
    """Options that take no effect beside others, and why."""
    if options.pusher_max_channel_name > options.max_channel_name:
        yield "pusher_max_channel_name", f"beyond max_channel_name, {options.max_channel_name}"

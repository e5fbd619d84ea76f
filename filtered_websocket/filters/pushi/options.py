"""The options of the Pushi pack."""

from collections.abc import Iterator

from filtered_websocket.chain.interfaces import Options
from filtered_websocket.config.option import Option, Original
from filtered_websocket.config.parsers import (
    bearer,
    boolean,
    integer,
    json_value,
    listening_address,
    seconds,
    size,
    text,
)
from filtered_websocket.filters.pushi.apps import read_apps

YEAR = 365 * 86400

APPS = Option(
    "pushi_apps", json_value(read_apps), (),
    'JSON list of apps to begin with: {"id": ..., "key": ..., "secret": ..., "name": ...}', scope="pipeline",
    secret=True,
)  # fmt: skip
ADMIN_SECRET = Option(
    "pushi_admin_secret", bearer, "", "turns POST /apps on, for requests with Authorization: Bearer SECRET",
    scope="pipeline", secret=True,
)  # fmt: skip
OPEN_APPS = Option(
    "pushi_open_apps", boolean, False, "let anybody make apps by POST /apps, as the original did", scope="pipeline",
    switch=True,
)  # fmt: skip
KEEP_EVENTS = Option(
    "pushi_keep_events", integer(1, 1_000_000), 1000,
    'stored events that each channel and each user keeps, unless their app says otherwise ("keep_events")',
    scope="pipeline",
)  # fmt: skip
KEEP_SECONDS = Option(
    "pushi_keep_seconds", seconds(0, 100 * YEAR), 30 * 86400,
    'age at which stored events are dropped, unless their app says otherwise ("keep_seconds"); 0: none', unit="s",
    scope="pipeline",
)  # fmt: skip
SESSION_SECONDS = Option(
    "pushi_session_seconds", seconds(1, YEAR), 86400, "how long a login lasts", unit="s", scope="pipeline"
)
SIGNED_PRESENCE = Option(
    "pushi_signed_presence", boolean, False,
    "take only channel_data that the signature covers: SOCKET:CHANNEL:CHANNEL_DATA", scope="pipeline", switch=True,
)  # fmt: skip
EVENT_RATE = Option(
    "pushi_event_rate", integer(0, 1_000_000), 100, "events of one connection per second; 0: any number",
    scope="pipeline", limits=True,
)  # fmt: skip
MAX_EVENT_SIZE = Option(
    "pushi_max_event_size", size(1, 1 << 30), 64 * 1024, "largest data of an event, of clients and by HTTP",
    unit="bytes", scope="pipeline",
)  # fmt: skip
WEBHOOK_PRIVATE = Option(
    "pushi_webhook_private", boolean, False, "web hooks may go to private addresses too, such as 127.0.0.1",
    scope="pipeline", switch=True,
)  # fmt: skip
SIGN_WEBHOOKS = Option(
    "pushi_sign_webhooks", boolean, False,
    "send web hooks with X-Pushi-Key and X-Pushi-Signature: HMAC-SHA256 of the body with the app's secret",
    scope="pipeline", switch=True,
)  # fmt: skip
REST_PORT = Option("pushi_rest_port", integer(0, 65535), None, "a second port for HTTP; 0: any that is free")
REST_HOST = Option("pushi_rest_host", listening_address, "127.0.0.1", "address of pushi_rest_port")
REST_KEY = Option("pushi_rest_key", text, "", "PEM file of the private key of pushi_rest_port")
REST_CERT = Option("pushi_rest_cert", text, "", "PEM file of the certificate of pushi_rest_port")
REST_SSL = Option("pushi_rest_ssl", boolean, None, "whether pushi_rest_port speaks TLS (default: if it has a key)")
SERVER_SSL = Option("pushi_server_ssl", boolean, None, "whether the server is to speak TLS; checked against its -key")
OPTIONS = (
    APPS, ADMIN_SECRET, OPEN_APPS, KEEP_EVENTS, KEEP_SECONDS, SESSION_SECONDS, SIGNED_PRESENCE, EVENT_RATE,
    MAX_EVENT_SIZE,    WEBHOOK_PRIVATE, SIGN_WEBHOOKS, REST_PORT, REST_HOST, REST_KEY, REST_CERT, REST_SSL, SERVER_SSL,
)  # fmt: skip

ORIGINAL = Original(
    "pushi",
    9090,
    {
        "SERVER_HOST": "host",
        "SERVER_PORT": "port",
        "SERVER_SSL": "pushi_server_ssl",
        "SERVER_SSL_KEY": "key",
        "SERVER_SSL_CER": "cert",
        "APP_HOST": "pushi_rest_host",
        "APP_PORT": "pushi_rest_port",
        "APP_SSL": "pushi_rest_ssl",
        "APP_SSL_KEY": "pushi_rest_key",
        "APP_SSL_CER": "pushi_rest_cert",
    },
)

DEFAULTS = {
    "allowed_origins": ["*"],  # no cookie opens a WebSocket here: a page can do what its key and signatures let it
    "max_channels": 1024,  # a personal channel brings all that its user has subscribed to
}


def no_effect(options: Options) -> Iterator[tuple[str, str]]:
    """Options that take no effect beside others, and why."""
    if options.pushi_rest_port is None:
        for name in ("pushi_rest_host", "pushi_rest_key", "pushi_rest_cert", "pushi_rest_ssl"):
            yield name, "without pushi_rest_port"

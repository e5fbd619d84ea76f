"""The options of a server."""

from filtered_websocket.config.option import Option
from filtered_websocket.config.parsers import integer, seconds
from filtered_websocket.limits.options import OPTIONS as LIMITS
from filtered_websocket.monitoring.watchdog import OPTIONS as WATCHDOG
from filtered_websocket.transport.certificate import OPTIONS as TLS
from filtered_websocket.web import options as web_options

TRUSTED_PROXIES = Option(
    "trusted_proxies",
    integer(0, 100),
    0,
    "proxies in front of this server whose X-Forwarded-For is believed: 1 takes the address from its last entry; "
    "with any, nobody counts as local",
)

DRAIN_DELAY = Option(
    "drain_delay",
    seconds(0, 3600),
    0,
    "time between a signal to stop, which makes /health/ready say no, and the end of accepting connections",
    unit="s",
)

DRAIN_SECONDS = Option(
    "drain_seconds",
    seconds(0, 3600),
    0,
    "time over which clients are closed when the server stops; 0: all at once",
    unit="s",
)

STOP_SECONDS = Option(
    "stop_seconds",
    seconds(0, 3600),
    5,
    "most time to send what is owed when the server stops: web hooks, leaves, events that were accepted; what is then "
    "left goes to other nodes or the next start where storage lasts",
    unit="s",
)

OPTIONS = (TRUSTED_PROXIES, DRAIN_DELAY, DRAIN_SECONDS, STOP_SECONDS)

DECLARED = (
    ("tls", TLS),
    ("limits", LIMITS),
    ("server", OPTIONS),
    ("watchdog", WATCHDOG),
    ("web", web_options.OPTIONS),
)
"""Every option a `Server` reads, by owner, for the command and the testing kit alike."""

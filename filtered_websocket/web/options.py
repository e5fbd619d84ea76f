"""The options of plain HTTP."""

from filtered_websocket.config.option import Option
from filtered_websocket.config.parsers import bearer, integer, listening_address, seconds

DAY = 86400

HTTP_REQUEST_TIMEOUT = Option(
    "http_request_timeout", seconds(0.1, DAY), 30, "time for a client to send one whole HTTP request", unit="s"
)
HTTP_IDLE_TIMEOUT = Option(
    "http_idle_timeout", seconds(0.1, DAY), 75, "time an HTTP connection may rest between two requests", unit="s"
)
MAX_HTTP_CONNECTIONS = Option(
    "max_http_connections", integer(0, 10_000_000), 5000, "plain HTTP clients at one time; others get 503"
)
PUBLISH_SECRET = Option(
    "publish_secret", bearer, "", "turns POST /publish on; clients send Authorization: Bearer SECRET", secret=True
)
ADMIN_PORT = Option(
    "admin_port",
    integer(0, 65535),
    None,
    "a port of its own for health, metrics and publish; 0: any that is free",
    at_start=True,
)
ADMIN_HOST = Option("admin_host", listening_address, "127.0.0.1", "address of admin_port", at_start=True)
ADMIN_SECRET = Option(
    "admin_secret",
    bearer,
    "",
    "clients that show it may read the metrics: Authorization: Bearer SECRET, or Basic with any name; without it and "
    "without admin_port only clients on this machine may",
    secret=True,
)
OPTIONS = (
    HTTP_REQUEST_TIMEOUT,
    HTTP_IDLE_TIMEOUT,
    MAX_HTTP_CONNECTIONS,
    PUBLISH_SECRET,
    ADMIN_PORT,
    ADMIN_HOST,
    ADMIN_SECRET,
)

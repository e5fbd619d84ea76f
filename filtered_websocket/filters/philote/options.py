"""The options of the Philote pack."""

from collections.abc import Iterator

from filtered_websocket.chain.interfaces import Options
from filtered_websocket.config.option import Option, Original
from filtered_websocket.config.parsers import boolean, integer, text
from filtered_websocket.filters.shared import signing_keys

SECRET = Option(
    "philote_secret", text, "", "signs tokens (HS256, HS384, HS512); empty: anybody can make them",
    scope="pipeline", secret=True,
)  # fmt: skip
PREVIOUS_SECRET = Option(
    "philote_previous_secret", text, "", "the secret before, whose tokens are still taken, until the date beside it",
    scope="pipeline", secret=True,
)  # fmt: skip
PREVIOUS_SECRET_UNTIL = Option(
    "philote_previous_secret_until", signing_keys.read_date, None,
    "when philote_previous_secret ends: a date such as 2030-01-31T12:00Z, or seconds since 1970", scope="pipeline",
)  # fmt: skip
PUBLIC_KEY = Option(
    "philote_public_key", lambda value: signing_keys.read_pem(text(value)), (),
    "PEM file of a public key or certificate: tokens signed with RS*, ES* or EdDSA and its private key are taken",
    scope="pipeline",
)  # fmt: skip
JWKS = Option(
    "philote_jwks", lambda value: signing_keys.read_jwks(text(value)), (), "JWKS file of such public keys",
    scope="pipeline",
)  # fmt: skip
MAX_CONNECTIONS = Option(
    "philote_max_connections", integer(1, 10_000_000), 255, "clients at one time on this process; others get 503",
    scope="pipeline",
)  # fmt: skip
CHECK_ORIGIN = Option(
    "philote_check_origin", boolean, False, "refuse pages of another host than the one they connect to",
    scope="pipeline", switch=True,
)  # fmt: skip
WILDCARDS = Option(
    "philote_wildcards", boolean, False,
    "a name in a token that ends in * (alone, or behind / . : - _) stands for all channels that begin like it",
    scope="pipeline", switch=True,
)  # fmt: skip
ENFORCE_EXPIRY = Option(
    "philote_enforce_expiry", boolean, False, "close a connection when its token expires (1008); else it stays",
    scope="pipeline", switch=True,
)  # fmt: skip
READ_BUFFER_SIZE = Option(
    "philote_read_buffer_size", integer(0, 1 << 30), 1024, "told by /api/info, as Philote did; governs nothing here",
    unit="bytes", scope="pipeline",
)  # fmt: skip
WRITE_BUFFER_SIZE = Option(
    "philote_write_buffer_size", integer(0, 1 << 30), 1024, "told by /api/info, as Philote did; governs nothing here",
    unit="bytes", scope="pipeline",
)  # fmt: skip
TOKEN_OPTIONS = (SECRET, PREVIOUS_SECRET, PREVIOUS_SECRET_UNTIL, PUBLIC_KEY, JWKS)
"""What decides which tokens are good."""
OPTIONS = (
    *TOKEN_OPTIONS, MAX_CONNECTIONS, CHECK_ORIGIN, WILDCARDS, ENFORCE_EXPIRY, READ_BUFFER_SIZE, WRITE_BUFFER_SIZE,
)  # fmt: skip

ORIGINAL = Original(
    "philote",
    6380,
    {
        "SECRET": "philote_secret",
        "PORT": "port",
        "LOGLEVEL": "log_level",
        "MAX_CONNECTIONS": "philote_max_connections",
        "READ_BUFFER_SIZE": "philote_read_buffer_size",
        "WRITE_BUFFER_SIZE": "philote_write_buffer_size",
        "CHECK_ORIGIN": "philote_check_origin",
    },
)
DEFAULTS = {
    "allowed_origins": ["*"],  # philote_check_origin decides, and is off by default
    "max_channels": 4096,  # the token decides: the longest that a handshake can hold names fewer
}


def no_effect(options: Options) -> Iterator[tuple[str, str]]:
    """Options that take no effect beside others, and why."""
    if options.philote_max_connections > options.max_connections:
        yield "philote_max_connections", f"beyond max_connections, {options.max_connections}"

"""What a client may use. Every limit is an option. It is on by default where a value harms no honest client."""

from filtered_websocket.config.option import Option
from filtered_websocket.config.parsers import DAY, GIB, KIB, MIB, boolean, choice, integer, seconds, size, words
from filtered_websocket.limits import origins
from filtered_websocket.limits.channel_rules import CHANNELS, POLICIES
from filtered_websocket.limits.history_pool import DEFAULT_POOL
from filtered_websocket.limits.origins import SAME_HOST

MAX_MESSAGE_SIZE = Option(
    "max_message_size",
    size(1, GIB),
    MIB,
    "largest message taken from a client, after decompression (close code 1009)",
    unit="bytes",
    scope="pipeline",
)
HANDSHAKE_TIMEOUT = Option(
    "handshake_timeout",
    seconds(0.1, DAY),
    10,
    "time for the whole opening handshake, its filters not counted",
    unit="s",
)
MAX_HANDSHAKE_SIZE = Option(
    "max_handshake_size", size(256, MIB), 16 * KIB, "largest head of a request: request line and headers", unit="bytes"
)
CLOSE_TIMEOUT = Option("close_timeout", seconds(0.1, DAY), 10, "time a client has to answer our close frame", unit="s")
PING_INTERVAL = Option(
    "ping_interval", seconds(0, DAY), 25, "time between pings to a client; 0: none", unit="s", at_start=True
)
PING_TIMEOUT = Option(
    "ping_timeout", seconds(0, DAY), 8, "time a client has to answer a ping; 0: any", unit="s", at_start=True
)
MAX_CONNECTIONS = Option(
    "max_connections", integer(1, 10_000_000), 20000, "clients at one time on this process; others get 503"
)
MAX_CONNECTIONS_PER_ADDRESS = Option(
    "max_connections_per_address",
    integer(0, 10_000_000),
    0,
    "clients at one time from one address (IPv6: one /64), plain HTTP included; others get 429; 0: any number",
    limits=True,
)
ACCEPT_RATE = Option(
    "accept_rate",
    integer(0, 1_000_000),
    0,
    "new connections per second on this process, a second's worth at once; others get 503; 0: any number",
    limits=True,
)
MESSAGE_RATE = Option(
    "message_rate",
    integer(0, 10_000_000),
    0,
    "messages per second from one client, 5 seconds' worth at once; 0: any number",
    scope="pipeline",
    limits=True,
)
BYTE_RATE = Option(
    "byte_rate",
    size(0, GIB),
    0,
    "bytes per second from one client, 5 seconds' worth at once; 0: any number",
    unit="bytes",
    scope="pipeline",
    limits=True,
)
OVER_RATE = Option(
    "over_rate",
    choice("wait", "close"),
    "wait",
    "what happens to a client above message_rate or byte_rate: wait (it is read no faster) or close (1008)",
    scope="pipeline",
)
SEND_BUFFER = Option(
    "send_buffer",
    size(KIB, 4 * GIB),
    MIB,
    "most that may wait for one slow client, beside the largest message that waits",
    unit="bytes",
    scope="pipeline",
)
SEND_TIMEOUT = Option(
    "send_timeout",
    seconds(0.1, DAY),
    10,
    "longest that a client may take nothing of what waits for it",
    unit="s",
    scope="pipeline",
)
SLOW_CLIENT = Option(
    "slow_client",
    choice(*POLICIES),
    "disconnect",
    f"what a client loses whose buffer is full, unless its channel says otherwise: {', '.join(POLICIES)}",
    scope="pipeline",
)
MAX_CHANNELS = Option("max_channels", integer(1, 1_000_000), 128, "channels one connection may be in", scope="pipeline")
MAX_CHANNEL_NAME = Option("max_channel_name", integer(1, 65535), 255, "longest name of a channel", unit="characters")
ALLOWED_ORIGINS = Option(
    "allowed_origins",
    lambda value: origins.read(words(value)),
    [SAME_HOST],
    f"pages that may connect: origins, * in them allowed; {SAME_HOST}: pages of this host, and loopback to loopback",
    many=True,
    scope="pipeline",
)
FILTER_TIMEOUT = Option(
    "filter_timeout", seconds(0.01, DAY), 30, "longest that an asynchronous filter may take", unit="s", scope="pipeline"
)
BACKLOG = Option(
    "backlog", integer(1, 65535), 4096, "connections the kernel may hold that are not yet accepted", at_start=True
)
COMPRESSION = Option("compression", boolean, False, "accept permessage-deflate from clients that offer it", switch=True)


HISTORY_BYTES = Option(
    "history_bytes",
    size(0, 1024 * GIB),
    DEFAULT_POOL.bytes,
    "most that the histories of all channels keep, each publication counted with 512 bytes more; the oldest go first; "
    "a pack's apps count for themselves; 0: any number",
    unit="bytes",
    scope="pipeline",
    limits=True,
)
HISTORY_CHANNELS = Option(
    "history_channels",
    integer(0, 100_000_000),
    DEFAULT_POOL.channels,
    "most channels that have a history; those whose history ends soonest go first; 0: any number",
    scope="pipeline",
    limits=True,
)
RECOVERY_PUBLICATIONS = Option(
    "recovery_publications",
    integer(1, 1_000_000),
    1000,
    "most publications of a channel that a client gets back; one that has missed more is told so",
    scope="pipeline",
)
RECOVERY_BYTES = Option(
    "recovery_bytes",
    size(KIB, GIB),
    MIB,
    "most bytes that a client gets back of a channel, each publication counted with 512 bytes more",
    unit="bytes",
    scope="pipeline",
)
RECOVERY_TAILS = Option(
    "recovery_tails",
    size(0, 1024 * GIB),
    16 * MIB,
    "most that this process holds of what its channels with history have delivered last, so that most clients get back "
    "what they missed without storage being asked; 0: nothing",
    unit="bytes",
    scope="pipeline",
)

OPTIONS = (
    MAX_MESSAGE_SIZE,
    HANDSHAKE_TIMEOUT,
    MAX_HANDSHAKE_SIZE,
    CLOSE_TIMEOUT,
    PING_INTERVAL,
    PING_TIMEOUT,
    MAX_CONNECTIONS,
    MAX_CONNECTIONS_PER_ADDRESS,
    ACCEPT_RATE,
    MESSAGE_RATE,
    BYTE_RATE,
    OVER_RATE,
    SEND_BUFFER,
    SEND_TIMEOUT,
    SLOW_CLIENT,
    MAX_CHANNELS,
    MAX_CHANNEL_NAME,
    ALLOWED_ORIGINS,
    FILTER_TIMEOUT,
    BACKLOG,
    COMPRESSION,
    CHANNELS,
    HISTORY_BYTES,
    HISTORY_CHANNELS,
    RECOVERY_PUBLICATIONS,
    RECOVERY_BYTES,
    RECOVERY_TAILS,
)


OFF_BY_DEFAULT = (MAX_CONNECTIONS_PER_ADDRESS, ACCEPT_RATE, MESSAGE_RATE, BYTE_RATE)
"""How much is much depends on what is served, and on how many clients share an address."""

"""What takes no effect beside what else was given: the real command, with --check."""

from pathlib import Path

from tests.commands.fws_server.test___main__ import all_of

PACKS = "filtered_websocket.filters"
PUSHI = ("-f", f"{PACKS}.pushi")
REDIS = ("--storage", "redis")

FEW = f'{{"/a": {{"filters": ["{PACKS}.philote"], "philote_max_connections": 9}}}}'
NO_EFFECT = {
    ("--admin_host", "127.0.0.2"): "admin_host (from --admin_host) takes no effect without admin_port",
    ("--over_rate", "close"): "over_rate (from --over_rate) takes no effect without message_rate or byte_rate",
    ("--ping_interval", "0", "--ping_timeout", "3"): "ping_timeout (from --ping_timeout) takes no effect without ping",
    ("--max_connections", "5", "--max_connections_per_address", "5"): "max_connections_per_address (from --max_",
    (*PUSHI, "--pushi_rest_host", "::1"): "pushi_rest_host (from --pushi_rest_host) takes no effect without pushi_rest",
    ("-f", f"{PACKS}.philote", "--philote_max_connections", "9", "--max_connections", "8"): (
        "philote_max_connections (from --philote_max_connections) takes no effect beyond max_connections, 8"
    ),
    ("-f", f"{PACKS}.pusher", "--pusher_max_channel_name", "90", "--max_channel_name", "80"): (
        "pusher_max_channel_name (from --pusher_max_channel_name) takes no effect beyond max_channel_name, 80"
    ),
    ("--max_connections", "8", "--pipelines", FEW): (
        "philote_max_connections (from --pipelines: pipelines./a) takes no effect beyond max_connections, 8"
    ),
    (*REDIS, "--redis_host", "a", "--redis_url", "redis://b"): "redis_host (from --redis_host) takes no effect beside",
    (*REDIS, "--redis_ca", "cert.pem"): "redis_ca (from --redis_ca) takes no effect without a rediss:// URL",
    ("--backlog", "65535"): "backlog is 65535, and the kernel keeps to ",
    ("--max_connections", "10000000"): "max_connections is 10000000, and this process may have ",
    ("--channels", '{"a": {"history_seconds": 3}}'): 'history_seconds of "a" takes no effect without history',
    ("--channels", '{"%s": {}}' % ("x" * 300)): "fits none of at most 255 characters",
    ("--pipelines", f'{{"/*": ["{PACKS}.stdout_messages"]}}', "-f", f"{PACKS}.stdout_messages"): (
        'filters serve no path: "/*" in pipelines takes them all'
    ),
}  # fmt: skip


def test_what_takes_no_effect_beside_what_else_was_given_is_warned_of(tmp_path: Path) -> None:
    for line, checked in zip(NO_EFFECT, all_of([(*line, "--check") for line in NO_EFFECT], tmp_path), strict=True):
        assert checked.stderr.startswith("fws_server: warning: "), line
        assert NO_EFFECT[line] in checked.stderr, line
        assert (checked.returncode, checked.stderr.count("\n")) == (0, 1), line

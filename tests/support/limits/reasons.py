"""Which options are limits, and those without an attacker here: why, or where they are met."""

from filtered_websocket.config import Option

CHOICES = ("limits", "web")
"""Of these owners every option counts: what is no number there says what a limit does."""

OPERATORS = "the operator's own: no client makes it grow"
PINGS = "how often clients are pinged, whom the time-out's attackers do not answer"
SAME = "the same code as socketio's, whose attackers stand here: filters/engineio/, filters/socketio/recovery/"
KEPT = "a time for which things are kept: what they take meanwhile is bounded by history_bytes and history_channels"

REASONS = {
    **dict.fromkeys(
        ("port", "workers", "trusted_proxies", "admin_port", "admin_host", "redis_port", "redis_db"), OPERATORS
    ),
    **dict.fromkeys(("drain_delay", "drain_seconds", "stop_seconds", "wsps_stats_seconds"), OPERATORS),
    **dict.fromkeys(("filter_time_warn", "redis_heartbeat", "lease_seconds", "jwt_leeway"), OPERATORS),
    **dict.fromkeys(("publish_secret", "admin_secret"), "no limit"),
    **dict.fromkeys(
        ("ping_interval", "centrifugo_ping_interval", "engineio_ping_interval", "socketio_ping_interval"), PINGS
    ),
    "over_rate": "what happens above message_rate and byte_rate",
    "slow_client": "what is lost above send_buffer",
    "backlog": "the kernel's: limits/test_backlog.py",
    "compression": "no limit; inflated messages have max_message_size",
    "channels": "rules, whose sizes history_bytes bounds",
    "recovery_tails": "what the server holds by itself: pipeline/test_tails.py",
    "redis_queue": "what is written while Redis is away: storage_objects/redis/test_write_queue.py",
    "audit_size": "a file is put aside, nobody is refused: filters/audit_log/test_files.py",
    "audit_files": "as audit_size",
    "audit_sample": "a share, no limit",
    "audit_text": "characters of a line: filters/audit_log/test_lines.py",
    "audit_queue": "it takes a disk that hangs: filters/audit_log/test_writer.py",
    "engineio_polling_buffer": SAME,
    **dict.fromkeys(("ws_emit_polling_buffer", "ws_emit_recovery", "ws_emit_recovery_events"), SAME),
    **dict.fromkeys(("ws_emit_recovery_bytes", "ws_emit_recovery_log"), SAME),
    "http_callback_connections": "http_callback_waiting's attackers have one",
    "http_callback_max_answer": "the backend's, no client's: end_to_end/test_http_callback.py",
    **dict.fromkeys(("http_callback_failures", "http_callback_pause"), "when the backend is left alone"),
    "socketio_recovery": "a time that the log is kept for, whose size socketio_recovery_log bounds",
    "socketio_recovery_log": "what is emitted by the application: end_to_end/test_ws_emit_recovery.py",
    **dict.fromkeys(("philote_read_buffer_size", "philote_write_buffer_size"), "told, and governs nothing"),
    "pusher_webhook_delay": "how late a hook is told of what is over",
    "pusher_activity_timeout": "told to clients; the server pings by ping_interval",
    **dict.fromkeys(("pusher_cache_seconds", "pushi_keep_seconds", "pushi_session_seconds"), KEPT),
}


def is_limit(owner: str, option: Option) -> bool:
    """Whether it may bound what a client makes grow: it is a number, or has a unit."""
    return owner in CHOICES or bool(option.unit) or type(option.default) in (int, float)

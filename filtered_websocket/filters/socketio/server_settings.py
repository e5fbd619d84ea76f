"""The settings of python-socketio's `AsyncServer`: most are options here; one without effect would mislead."""

from collections.abc import Mapping
from typing import Any

from filtered_websocket.errors import ConfigError

INSTEAD = {
    "client_manager": "--storage redis",
    "json": "nothing: packets are strict JSON",
    "serializer": "nothing: packets are strict JSON",
    "async_handlers": "nothing: events of one client run in their order; what takes long is a background task",
    "always_connect": "nothing: what a connect handler emits follows the admission",
    "ping_interval": "--socketio_ping_interval",
    "ping_timeout": "--socketio_ping_timeout",
    "max_http_buffer_size": "--socketio_max_payload",
    "allow_upgrades": "--socketio_transports",
    "transports": "--socketio_transports",
    "cors_allowed_origins": "--socketio_cors",
    "cors_credentials": "--socketio_cors",
    "cookie": "nothing: there is no cookie",
    "http_compression": "the proxy's compression",
    "compression_threshold": "the proxy's compression",
    "monitor_clients": "nothing: they are always watched",
}
"""Settings of `AsyncServer`, and what there is for them: a setting without effect would mislead."""
_SAME = {"async_handlers": False, "always_connect": False, "serializer": "default", "monitor_clients": True}
_NEEDLESS = ("async_mode", "logger", "engineio_logger")


def refuse(settings: Mapping[str, Any]) -> None:
    """
    :raises ConfigError: a setting for which there is something else
    :raises TypeError: one that nobody knows
    """
    for name, value in settings.items():
        if name not in INSTEAD and name not in _NEEDLESS:
            raise TypeError(f"Server() has no setting {name!r}")
        if name in INSTEAD and value is not None and value != _SAME.get(name):
            raise ConfigError(f"Server({name}=...): there is {INSTEAD[name]} instead")

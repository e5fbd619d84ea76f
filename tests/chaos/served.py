"""What the servers are started with: the filter `history`, and Centrifugo's channels of each kind."""

import json
from pathlib import Path
from textwrap import dedent
from typing import Any

SECRET = "a secret of thirty-two bytes or so"
HISTORY, CENTRIFUGO = "/history", "/connection"
KEPT, ROOM, OPEN = ("kept:a", "kept:b"), "room:a", "open:a"
LEASE = 3.0
"""Seconds after which the members of a dead node have left."""
SAYS = """
    from filtered_websocket.errors import StorageAway
    from filtered_websocket.filters.base import WebSocketMessageFilter

    class Says(WebSocketMessageFilter):
        @classmethod
        async def filter(cls, connection, data):
            number = data.decode()
            try:
                position = await connection.publish("broadcast_messages", number)
            except StorageAway as away:
                connection.sendMessage(f"refused {number} {away}")
            else:
                connection.sendMessage(f"published {number} {position}")
"""
_MAY = {f"allow_{what}_for_client": True for what in ("subscribe", "presence", "history")}
_KEEPS = {"history_size": 10_000, "history_ttl": "600s", "force_recovery": True}
_PIPELINES: dict[str, Any] = {
    HISTORY: {
        "filters": ["filtered_websocket.filters.history", "says"],
        "channels": {"broadcast_messages": {"history": 10_000}},
    },
    f"{CENTRIFUGO}/* /emulation /api/*": {
        "filters": ["filtered_websocket.filters.centrifugo"],
        "centrifugo_token_hmac_secret": SECRET,
        "centrifugo_api_key": SECRET,
        "centrifugo_ping_interval": 5,
        "centrifugo_namespaces": [
            {"name": "kept", **_MAY, **_KEEPS},
            {"name": "room", **_MAY, **_KEEPS, "presence": True, "join_leave": True, "force_push_join_leave": True},
            {"name": "open", **_MAY},
        ],
    },
}


def write(folder: Path, **options: Any) -> None:
    """The configuration of a node, and its filter module."""
    folder.mkdir(parents=True)
    (folder / "says.py").write_text(dedent(SAYS))
    given = {"filters": [], "pipelines": _PIPELINES, "admin_secret": SECRET, "admin_host": "127.0.0.1"}
    given |= {"ping_interval": 5, "drain_seconds": 0.5}
    (folder / "config.json").write_text(json.dumps(given | options))

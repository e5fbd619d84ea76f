"""The channels of a simulation, by what they promise: `NAMESPACE:NAME`."""

from typing import Any

HISTORY = 8
"""Publications that a channel keeps."""
TTL = 60.0
"""Seconds that it keeps them."""
OPEN = {
    "allow_subscribe_for_client": True, "allow_subscribe_for_anonymous": True, "allow_publish_for_client": True,
    "allow_publish_for_anonymous": True,
}  # fmt: skip
KEPT = {"history_size": HISTORY, "history_ttl": f"{TTL:g}s", "force_recovery": True}
SHOWN = {"presence": True, "join_leave": True, "force_push_join_leave": True}
NAMESPACES: list[dict[str, Any]] = [
    {"name": "kept", **OPEN, **KEPT},
    {"name": "plain", **OPEN},
    {"name": "room", **OPEN, **SHOWN},
    {"name": "both", **OPEN, **KEPT, **SHOWN},
]
CHANNELS = ("kept:a", "kept:b", "plain:a", "plain:b", "room:a", "both:a")


def keeps(channel: str) -> bool:
    """Whether a channel keeps history, and all that come back recover."""
    return channel.startswith(("kept:", "both:"))


def shows(channel: str) -> bool:
    """Whether its clients see each other come and go."""
    return channel.startswith(("room:", "both:"))

"""Names in the hub and in the storage object."""

from filtered_websocket.filters.pusher.apps import App


def key_of(app: App, channel: str) -> str:
    """A channel: apps may have channels of equal names."""
    return f"{app.id}:{channel}"


def control_of(app: App, user_id: str) -> str:
    """The channel over which a user's connections are ended. No channel of an app begins like it."""
    return f"!{app.id}:{user_id}"

"""Names in the hub and in the storage object. All begin with their app's id, which holds no : / or !."""

from filtered_websocket.filters.pushi.apps import App


def live(app: App, channel: str) -> str:
    """The channel itself, in the hub."""
    return f"{app.id}:{channel}"


def members(app: App, channel: str) -> str:
    """The members of a presence channel: what is in it, and where joins and leaves are told."""
    return f"{app.id}/members:{channel}"


def inbox(app: App, base: str, user_id: str) -> str:
    """What members of a presence channel write to one of them."""
    return f"{app.id}/inbox:{user_id}:{base}"


def heard(app: App, channel: str) -> tuple[str, ...]:
    """Where in the hub what happens in a channel is heard. Peers are in theirs without subscribing."""
    users = peers_of(channel)
    inboxes = [] if users is None else [inbox(app, users[0], user_id) for user_id in users[1:]]
    return (*inboxes, live(app, channel))


def peers_of(channel: str) -> tuple[str, str, str] | None:
    """Whose peer channel this is: the base of the presence channel, and two users in their order; None if of none."""
    if not channel.startswith("peer-"):
        return None
    base, _, pair = channel.removeprefix("peer-").rpartition(":")
    users = pair.split("&")
    return (base, users[0], users[1]) if len(users) == 2 and users[0] < users[1] else None


def control(app: App, user_id: str) -> str:
    """Where a user's personal connections, on all nodes, hear of the user's subscriptions."""
    return f"!{app.id}:{user_id}"


def log(app: App, channel: str) -> str:
    """A channel's stored events."""
    return f"{app.id}/log:{channel}"


def all_events(app: App) -> str:
    """The app's stored events."""
    return f"{app.id}/events"


def associated(app: App, user_id: str) -> str:
    """The stored events of channels that a user was subscribed to."""
    return f"{app.id}/user:{user_id}"


def subscriptions(app: App) -> str:
    """The map of all subscriptions."""
    return f"{app.id}/subscriptions"


def subscribers(app: App, channel: str) -> str:
    """The set of users that are subscribed to a channel."""
    return f"{app.id}/subscribers:{channel}"


def aliases(app: App, user_id: str) -> str:
    """The set of channels that a user is subscribed to."""
    return f"{app.id}/aliases:{user_id}"


def webs(app: App) -> str:
    """The map of all web hooks."""
    return f"{app.id}/webs"


def sockets(app: App) -> str:
    """Connections and the channels they are in, on all nodes, kept as presence."""
    return f"{app.id}/sockets"


def split(name: str, kind: str) -> tuple[str, str] | None:
    """App id and rest of a name of this kind, such as ``"/members:"``; None if it is of another."""
    ident, found, rest = name.partition(kind)
    return (ident, rest) if found and not {"/", ":", "!"} & set(ident) else None

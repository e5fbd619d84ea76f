"""Apps: which may use this server. Given as an option, or put into the storage object while the server runs."""

import re
from typing import Any, NamedTuple

from filtered_websocket.filters.shared.apps import check_secrets, read_fields
from filtered_websocket.filters.shared.apps import read_apps as read_all
from filtered_websocket.filters.shared.webhooks.urls import check_hooks

STORED = "pusher apps"
"""The map in the storage object: an app's id -> the app, as JSON."""


class App(NamedTuple):
    """
    :ivar connections: that the app may have at one time on one process; 0: any number
    """

    id: str
    key: str
    secret: str
    client_events: bool = False
    webhooks: tuple[str, ...] = ()
    enabled: bool = True
    connections: int = 0

    def __repr__(self) -> str:
        return f"<App {self.id}>"  # secrets belong in no traceback


def read_app(value: Any) -> App:
    """
    :raises ValueError: it is none; the sentence quotes no value
    """
    example = '{"id": "1001", "key": "k", "secret": "s"}'
    value = read_fields(value, App._fields, example, ignored=("name",))
    ident = str(value["id"]) if type(value.get("id")) is int else value.get("id")
    if not isinstance(ident, str) or not re.fullmatch(r"[0-9]{1,20}", ident):
        raise ValueError("an app's id is a number: the SDKs insist")
    check_secrets(ident, value)
    hooks, connections = value.get("webhooks", []), value.get("connections", 0)
    if not isinstance(hooks, list) or type(connections) is not int or connections < 0:
        raise ValueError(f"app {ident}: webhooks are a list of URLs, connections a number")
    flags = [value.get("client_events", False), value.get("enabled", True)]
    if not all(isinstance(flag, bool) for flag in flags):
        raise ValueError(f"app {ident}: client_events and enabled are true or false")
    urls = check_hooks(hooks)
    return App(ident, value["key"], value["secret"], flags[0], urls, flags[1], connections)


def read_apps(value: Any) -> tuple[App, ...]:
    """The apps of an option. Raises ValueError."""
    return read_all(value, read_app)

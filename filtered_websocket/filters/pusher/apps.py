"""Apps: who may use this server. Given as an option, or put into the storage object while the server runs."""

import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from filtered_websocket.filters.shared.signatures import equal
from filtered_websocket.filters.shared.webhooks.destinations import check_hooks

STORED = "pusher apps"
"""The map in the storage object: an app's id -> the app, as JSON."""

REFRESH_SECONDS = 1.0
"""An app that is not known is looked for in the storage object at most this often: anybody can ask for any key."""


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
    if not isinstance(value, dict):
        raise ValueError('apps are wanted, such as {"id": "1001", "key": "k", "secret": "s"}')
    unknown = [name for name in value if name not in (*App._fields, "name")]
    if unknown:
        raise ValueError(f"an app knows {', '.join(App._fields)}, not {json.dumps(unknown[0])}")
    ident = str(value["id"]) if type(value.get("id")) is int else value.get("id")
    if not isinstance(ident, str) or not re.fullmatch(r"[0-9]{1,20}", ident):
        raise ValueError("an app's id is a number: the SDKs insist")
    for name in ("key", "secret"):
        if not isinstance(value.get(name), str) or not value[name] or not value[name].isascii():
            raise ValueError(f"app {ident} wants a {name}, in ASCII")
    if not re.fullmatch(r"[^/?#%:\s]+", value["key"]):
        raise ValueError(f"the key of app {ident} cannot stand in a URL")
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
    if not isinstance(value, list):
        raise ValueError("a JSON list of apps is wanted")
    apps = tuple(read_app(each) for each in value)
    for kind in ("id", "key"):
        if len({getattr(app, kind) for app in apps}) < len(apps):
            raise ValueError(f"two apps have the same {kind}")
    return apps


class Apps:
    """The apps of one pipeline.

    :param given: those of the option, which win over stored ones
    """

    def __init__(self, given: tuple[App, ...], storage: Any, reactor: Any) -> None:
        self._given, self._storage, self._reactor = given, storage, reactor
        self._looked = -REFRESH_SECONDS
        self._by_id: dict[str, App] = {}
        self._by_key: dict[str, App] = {}
        self._take({})

    def get(self, ident: str) -> App | None:
        """The app of an id, if it is known here."""
        return self._by_id.get(ident)

    async def of_id(self, ident: str) -> App | None:
        return self._by_id.get(ident) or (await self._look())._by_id.get(ident)

    async def of_key(self, key: str) -> App | None:
        found = self._by_key.get(key) or (await self._look())._by_key.get(key)
        return found if found is not None and equal(key, found.key) else None

    async def _look(self) -> "Apps":
        now = self._reactor.seconds()
        if now - self._looked >= REFRESH_SECONDS:
            self._looked = now
            self._take(await self._storage.fields(STORED))
        return self

    def _take(self, stored: Mapping[str, str | bytes]) -> None:
        apps = []
        for value in stored.values():
            try:
                apps.append(read_app(json.loads(value)))
            except ValueError:
                continue  # whoever wrote it will look for it
        self._by_id = {app.id: app for app in (*apps, *self._given)}
        self._by_key = {app.key: app for app in self._by_id.values()}

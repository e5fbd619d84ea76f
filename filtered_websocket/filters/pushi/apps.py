"""Apps: kept in the storage object, seeded from an option, made by POST /apps."""

import json
import re
import secrets
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from filtered_websocket.filters.shared.signatures import equal

STORED = "pushi apps"
"""The map in the storage object: an app's id -> the app, as JSON."""
NAMES = "pushi app names"
"""The map name -> id, in which a name is taken in one step."""

MAX_APPS = 10_000
"""Apps that POST /apps makes: each process knows all."""

REFRESH_SECONDS = 1.0
"""An app that is not known is looked for in the storage object at most this often: anybody can ask for any key."""


class App(NamedTuple):
    """
    :ivar keep_events, keep_seconds: what it keeps of stored events; None: what the options say
    """

    id: str
    key: str
    secret: str
    name: str = ""
    created: float = 0.0
    keep_events: int | None = None
    keep_seconds: float | None = None

    def __repr__(self) -> str:
        return f"<App {self.id}>"  # secrets belong in no traceback

    @property
    def stored(self) -> str:
        return json.dumps(self._asdict())

    @property
    def record(self) -> dict[str, Any]:
        """The app as its owner sees it."""
        about = {"id": self.id, "ident": self.id, "key": self.key, "secret": self.secret, "name": self.name}
        return {**about, "created": self.created, "modified": self.created, "enabled": True, "description": None}


def read_app(value: Any) -> App:
    """
    :raises ValueError: it is none; the sentence quotes no value
    """
    if not isinstance(value, dict):
        raise ValueError('apps are wanted, such as {"id": "a", "key": "k", "secret": "s", "name": "n"}')
    unknown = [name for name in value if name not in App._fields]
    if unknown:
        raise ValueError(f"an app knows {', '.join(App._fields)}, not {json.dumps(unknown[0])}")
    ident, name = value.get("id"), value.get("name", "")
    # No : / or !, which in keys of the storage object stand behind it.
    if not isinstance(ident, str) or not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", ident):
        raise ValueError("an app's id has 1 to 64 letters, digits, - and _")
    for secret in ("key", "secret"):
        if not isinstance(value.get(secret), str) or not 0 < len(value[secret]) <= 256 or not value[secret].isascii():
            raise ValueError(f"app {ident} wants a {secret}, in ASCII")
    if not re.fullmatch(r"[^/?#%:\s]+", value["key"]):
        raise ValueError(f"the key of app {ident} cannot stand in a URL")
    if not isinstance(name, str):
        raise ValueError(f"the name of app {ident} is to be a text")
    count, age, created = value.get("keep_events"), value.get("keep_seconds"), value.get("created", 0.0)
    if count is not None and (type(count) is not int or not 0 < count <= 1_000_000):
        raise ValueError(f"app {ident}: keep_events is a number from 1 to 1000000")
    if age is not None and (type(age) not in (int, float) or not 0 <= age < 1e11):
        raise ValueError(f"app {ident}: keep_seconds is a number of seconds")
    return App(ident, value["key"], value["secret"], name, created, count, age)


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

    :param given: those of the option; they win over what is stored
    """

    def __init__(self, given: tuple[App, ...], storage: Any, reactor: Any) -> None:
        self._given, self._storage, self._reactor = given, storage, reactor
        self._looked = -REFRESH_SECONDS
        self._by_id: dict[str, App] = {}
        self._by_key: dict[str, App] = {}
        self._take({})

    async def seed(self) -> None:
        """Put the option's apps into the storage object."""
        for app in self._given:
            await self._storage.put(STORED, app.id, app.stored)
            if app.name:
                await self._storage.put(NAMES, app.name, app.id, only_new=True)

    def get(self, ident: str) -> App | None:
        """The app of an id, if it is known here."""
        return self._by_id.get(ident)

    async def of_id(self, ident: str) -> App | None:
        return self._by_id.get(ident) or (await self._look())._by_id.get(ident)

    async def of_key(self, key: str) -> App | None:
        found = self._by_key.get(key) or (await self._look())._by_key.get(key)
        return found if found is not None and equal(key, found.key) else None

    async def create(self, name: str) -> App | None:
        """A new app, with an id, a key and a secret that nobody can guess; None if there is one of this name."""
        app = App(secrets.token_hex(32), secrets.token_hex(32), secrets.token_hex(32), name, time.time())
        if not await self._storage.put(NAMES, name, app.id, only_new=True):
            return None
        await self._storage.put(STORED, app.id, app.stored)
        self._by_id[app.id] = self._by_key[app.key] = app
        return app

    async def full(self) -> bool:
        """Whether there are as many as there may be, as far as this process knows."""
        return len((await self._look())._by_id) >= MAX_APPS

    async def rename(self, app: App, name: str) -> App | None:
        """The app under another name; None if there is one of this name already."""
        if name == app.name:
            return app
        if not await self._storage.put(NAMES, name, app.id, only_new=True):
            return None
        renamed = app._replace(name=name)
        await self._storage.put(STORED, app.id, renamed.stored)
        if app.name:
            await self._storage.delete(NAMES, app.name)
        self._by_id[app.id] = self._by_key[app.key] = renamed
        return renamed

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

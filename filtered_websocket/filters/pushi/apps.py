"""Apps: kept in the storage object, seeded from an option, made by POST /apps."""

import json
import re
import secrets
import time
from typing import Any, NamedTuple

from filtered_websocket.chain.clock import Clock
from filtered_websocket.chain.storage import Storage
from filtered_websocket.filters.shared.apps import Apps as StoredApps
from filtered_websocket.filters.shared.apps import check_secrets, read_fields
from filtered_websocket.filters.shared.apps import read_apps as read_all

STORED = "pushi apps"
"""The map in the storage object: an app's id -> the app, as JSON."""
NAMES = "pushi app names"
"""The map name -> id, in which a name is taken in one step."""

MAX_APPS = 10_000
"""Apps that POST /apps makes: each process knows all."""


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
    value = read_fields(value, App._fields, '{"id": "a", "key": "k", "secret": "s", "name": "n"}')
    ident, name = value.get("id"), value.get("name", "")
    # No : / or !, which in keys of the storage object stand behind it.
    if not isinstance(ident, str) or not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", ident):
        raise ValueError("an app's id has 1 to 64 letters, digits, - and _")
    check_secrets(ident, value, longest=256)
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
    return read_all(value, read_app)


class Apps(StoredApps[App]):
    """The apps of one pipeline, and those that are made while it runs.

    :param given: the apps of the option; they win over what is stored
    """

    def __init__(self, given: tuple[App, ...], storage: Storage, clock: Clock) -> None:
        super().__init__(STORED, read_app, given, storage, clock)

    async def seed(self) -> None:
        """Put the option's apps into the storage object."""
        for app in self.given:
            await self.storage.put(STORED, app.id, app.stored)
            if app.name:
                await self.storage.put(NAMES, app.name, app.id, only_new=True)

    async def create(self, name: str) -> App | None:
        """A new app, with an id, a key and a secret that cannot be guessed; None if there is one of this name."""
        app = App(secrets.token_hex(32), secrets.token_hex(32), secrets.token_hex(32), name, time.time())
        if not await self.storage.put(NAMES, name, app.id, only_new=True):
            return None
        await self.storage.put(STORED, app.id, app.stored)
        self.know(app)
        return app

    async def full(self) -> bool:
        """Whether there are as many as there may be, as far as this process knows."""
        await self.look()
        return self.count >= MAX_APPS

    async def rename(self, app: App, name: str) -> App | None:
        """The app under another name; None if there is one of this name already."""
        if name == app.name:
            return app
        if not await self.storage.put(NAMES, name, app.id, only_new=True):
            return None
        renamed = app._replace(name=name)
        await self.storage.put(STORED, app.id, renamed.stored)
        if app.name:
            await self.storage.delete(NAMES, app.name)
        self.know(renamed)
        return renamed

"""Apps of Pusher's kind: which may use this server. Given as an option, or kept in the storage object, where other
processes find them."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Generic, Protocol, TypeVar

from filtered_websocket.chain.clock import Clock
from filtered_websocket.chain.storage import Storage
from filtered_websocket.filters.shared.signatures import equal

REFRESH_SECONDS = 1.0
"""An app that is not known is looked for in the storage object at most this often: clients can ask for any key."""


class KeyedApp(Protocol):
    """What each pack's apps have in common."""

    @property
    def id(self) -> str: ...
    @property
    def key(self) -> str: ...
    @property
    def secret(self) -> str: ...


App = TypeVar("App", bound=KeyedApp)


class Apps(Generic[App]):
    """The apps of one pipeline.

    :param name: of the map in the storage object: an app's id -> the app, as JSON
    :param read: makes an app of what JSON holds; raises ValueError
    :param given: the apps of the option, which win over stored ones
    """

    def __init__(
        self, name: str, read: Callable[[Any], App], given: tuple[App, ...], storage: Storage, clock: Clock
    ) -> None:
        self._name, self._read = name, read
        self.given, self.storage, self._clock = given, storage, clock
        self._looked = -REFRESH_SECONDS
        self._by_id: dict[str, App] = {}
        self._by_key: dict[str, App] = {}
        self._take({})

    def get(self, ident: str) -> App | None:
        """The app of an id, if it is known here."""
        return self._by_id.get(ident)

    async def of_id(self, ident: str) -> App | None:
        """The app of an id."""
        if ident not in self._by_id:
            await self.look()
        return self._by_id.get(ident)

    async def of_key(self, key: str) -> App | None:
        """The app of a key."""
        if key not in self._by_key:
            await self.look()
        found = self._by_key.get(key)
        return found if found is not None and equal(key, found.key) else None

    @property
    def count(self) -> int:
        """How many there are, as far as this process knows."""
        return len(self._by_id)

    def know(self, app: App) -> None:
        """Take note of an app that this process has put into the storage object."""
        self._by_id[app.id] = self._by_key[app.key] = app

    async def look(self) -> None:
        """See what the storage object has, unless that was done just now."""
        now = self._clock.seconds()
        if now - self._looked >= REFRESH_SECONDS:
            self._looked = now
            self._take(await self.storage.fields(self._name))

    def _take(self, stored: Mapping[str, str | bytes]) -> None:
        apps = []
        for value in stored.values():
            try:
                apps.append(self._read(json.loads(value)))
            except ValueError:
                continue  # whatever wrote it will miss it
        self._by_id = {app.id: app for app in (*apps, *self.given)}
        self._by_key = {app.key: app for app in self._by_id.values()}


def read_apps(value: Any, read: Callable[[Any], App]) -> tuple[App, ...]:
    """The apps of an option, no two of one id or one key. Raises ValueError."""
    if not isinstance(value, list):
        raise ValueError("a JSON list of apps is wanted")
    apps = tuple(map(read, value))
    for kind in ("id", "key"):
        if len({getattr(app, kind) for app in apps}) < len(apps):
            raise ValueError(f"two apps have the same {kind}")
    return apps


def read_fields(value: Any, known: tuple[str, ...], example: str, ignored: Iterable[str] = ()) -> dict[str, Any]:
    """What an app is given as: an object with no fields but those that are known.

    :raises ValueError: it is none; no sentence quotes a value, which could be a secret
    """
    if not isinstance(value, dict):
        raise ValueError(f"apps are wanted, such as {example}")
    unknown = [name for name in value if name not in (*known, *ignored)]
    if unknown:
        raise ValueError(f"an app knows {', '.join(known)}, not {json.dumps(unknown[0])}")
    return value


def check_secrets(ident: str, value: Mapping[str, Any], longest: float = float("inf")) -> None:
    """See whether an app has a key and a secret.

    :param longest: characters of each
    :raises ValueError: it has not, or its key cannot stand in the path of a URL
    """
    for name in ("key", "secret"):
        given = value.get(name)
        if not isinstance(given, str) or not 0 < len(given) <= longest or not given.isascii():
            raise ValueError(f"app {ident} wants a {name}, in ASCII")
    if not re.fullmatch(r"[^/?#%:\s]+", value["key"]):
        raise ValueError(f"the key of app {ident} cannot stand in a URL")

"""WSPS's settings: reading an existing local_settings.py, and what authorization managers get to see."""

import importlib
import json
from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import Any, NamedTuple

from filtered_websocket.chain.interfaces import Options

NAMES = {
    "LISTEN_ADDRESS": "host",
    "LISTEN_PORT": "port",
    "VALID_CHANNELS": "wsps_allowed_channels",  # the README's name; the program's own, below, counts more
    "ALLOWED_CHANNELS": "wsps_allowed_channels",
    "SUBSCRIBE_KEYS": "wsps_subscribe_keys",
    "PUBLISH_KEYS": "wsps_publish_keys",
    "AUTHORIZATION_MANAGER": "wsps_authorization_manager",
    "STATS_SECONDS": "wsps_stats_seconds",
}
"""WSPS's settings and the options that they are here."""

_NO_TEXT = ("wsps_allowed_channels", "wsps_subscribe_keys", "wsps_publish_keys")

ORIGINAL_MANAGER = "wspsserver.auth:NullAuthManager"


class LocalSettings(NamedTuple):
    """The public names of a user's local_settings.py."""

    module: str
    names: Mapping[str, Any]

    def __repr__(self) -> str:
        # Keys stand in it.
        return f"<LocalSettings {self.module}>"


def read(value: Any) -> LocalSettings:
    """The settings in the module of this name.

    :raises ValueError: a sentence that says why not
    """
    if isinstance(value, LocalSettings):
        return value
    if not isinstance(value, str) or not all(part.isidentifier() for part in value.split(".")):
        raise ValueError("the name of a module is wanted, such as local_settings")
    try:
        module = importlib.import_module(value)
    except Exception as error:
        reason = " ".join(str(error).split())
        raise ValueError(f"a module is wanted that can be imported ({type(error).__name__}: {reason})") from None
    return LocalSettings(value, {name: each for name, each in vars(module).items() if not name.startswith("_")})


def fills(settings: LocalSettings) -> dict[str, tuple[Any, str]]:
    """The options that a local_settings.py gives values, and where these stand."""
    return dict(_fills(settings))


def _fills(settings: LocalSettings) -> Iterator[tuple[str, tuple[Any, str]]]:
    # Here keys bring a manager that looks at them. WSPS had to be told, and clients that relied on that must not be
    # locked out.
    yield "wsps_authorization_manager", (ORIGINAL_MANAGER, settings.module)
    for name, option in NAMES.items():
        if name in settings.names:
            value = settings.names[name]
            if isinstance(value, str) and option in _NO_TEXT:
                # ("*") without its comma is a text: options read JSON in one, and here that would be no help to say.
                value = json.dumps(value)
            yield option, (value, f"{settings.module}.{name}")
    if settings.names.get("DEBUG"):
        yield "log_level", ("debug", f"{settings.module}.DEBUG")


def for_managers(options: Options) -> SimpleNamespace:
    """What a manager gets: all of a local_settings.py, and WSPS's own names with the values that count."""
    local = options.wsps_settings
    # In the testing kit there is no port to have.
    ours = {name: getattr(options, option) for name, option in NAMES.items() if hasattr(options, option)}
    return SimpleNamespace(**({"DEBUG": False} | (dict(local.names) if local else {}) | ours))

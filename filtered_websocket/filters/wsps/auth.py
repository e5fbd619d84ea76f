"""Which clients may subscribe and publish: authorization managers, with WSPS's own names and signature.

A manager is a class that takes the settings and answers ``authenticate(event, channel, key)``, with something true for
yes; the answer may be awaitable. `event` is "subscribe" or "publish"; `key` is whatever JSON value the packet holds,
None if it holds none. A user's manager may extend ``wspsserver.auth.BaseAuthManager``: while this module is loaded,
this module is ``wspsserver.auth`` (and ``wpsserver.auth``, as WSPS's README has it).
"""

import importlib
import sys
from collections.abc import Mapping
from hmac import compare_digest
from types import ModuleType
from typing import Any

from filtered_websocket.filters.wsps.wire import SUBSCRIBE, matches


class BaseAuthManager:
    """What managers extend.

    :ivar settings: WSPS's settings under their old names, and whatever else a local_settings.py defines
    """

    def __init__(self, settings: Any) -> None:
        self.settings = settings

    def authenticate(self, event: str, channel: str, key: Any) -> Any:
        """Whether this is allowed."""
        raise NotImplementedError


class NullAuthManager(BaseAuthManager):
    """Allows everything."""

    def authenticate(self, event: str, channel: str, key: Any) -> bool:
        return True


class SettingsAuthManager(BaseAuthManager):
    """The first pattern of SUBSCRIBE_KEYS or PUBLISH_KEYS that matches the channel says which key; none: allowed."""

    def authenticate(self, event: str, channel: str, key: Any) -> bool:
        keys: Mapping[str, Any] = self.settings.SUBSCRIBE_KEYS if event == SUBSCRIBE else self.settings.PUBLISH_KEYS
        for pattern, wanted in keys.items():
            if matches(channel, (pattern,)):
                return _same(wanted, key)
        return True


def _same(wanted: Any, given: Any) -> bool:
    if isinstance(wanted, str) and isinstance(given, str):
        return compare_digest(wanted.encode("utf-8", "surrogatepass"), given.encode("utf-8", "surrogatepass"))
    return wanted is None and given is None


_NAMES = ("wspsserver", "wpsserver")
_SHORT = {f"{name}.auth.settings": SettingsAuthManager for name in _NAMES}
"""WSPS's README names a manager so."""


def manager_class(name: str) -> Any:
    """The class that ``module:Class`` names.

    :raises ValueError: there is none that is a manager; a sentence that says why
    """
    if name in _SHORT:
        return _SHORT[name]
    module, colon, attribute = name.partition(":")
    if not module or not colon or not attribute:
        raise ValueError('a class is wanted as "module:Class"')
    try:
        found = getattr(importlib.import_module(module), attribute, None)
    except Exception as error:
        reason = " ".join(str(error).split())
        raise ValueError(
            f"a class is wanted, and {module} cannot be imported: {type(error).__name__}: {reason}"
        ) from None
    if not isinstance(found, type) or not callable(getattr(found, "authenticate", None)):
        raise ValueError(f"a class with a method authenticate is wanted, and {module} has none called {attribute}")
    return found


def _be_importable(name: str) -> None:
    package = ModuleType(name, "WSPS's own name for filtered_websocket.filters.wsps")
    package.__path__ = []
    package.auth = sys.modules[__name__]  # type: ignore[attr-defined]
    # The original itself, where it is installed and loaded, is not replaced.
    if sys.modules.setdefault(name, package) is package:
        sys.modules[f"{name}.auth"] = sys.modules[__name__]


for _name in _NAMES:
    _be_importable(_name)

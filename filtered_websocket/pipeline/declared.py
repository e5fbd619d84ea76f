"""What filter modules declare beside their filters: options, what checks these, defaults.

A module's declarations count, and those of the packages it is a part of: a pack's options stand in its package, also
for a module of a user's that imports one of its parts.
"""

import sys
from typing import Any

from filtered_websocket.config.option import Option
from filtered_websocket.pipeline.modules import modules_of, parents_of


def _declaring(name: str) -> list[str]:
    """The modules that a loaded module brings, each behind the packages it is a part of that declare options for it."""
    found: dict[str, None] = {}
    for module in modules_of(name):
        packages = [each for each in parents_of(module) if _options_in(each)]
        found |= dict.fromkeys([*reversed(packages), module])
    return list(found)


def _options_in(package: str) -> bool:
    options = getattr(sys.modules.get(package), "OPTIONS", None)
    return isinstance(options, tuple) and bool(options) and all(isinstance(each, Option) for each in options)


def options_of(name: str) -> tuple[Any, ...]:
    """The options that a loaded module and the filter modules it brings declare as ``OPTIONS``."""
    declared: list[Any] = []
    for module in _declaring(name):
        declared += [option for option in getattr(sys.modules[module], "OPTIONS", ()) if option not in declared]
    return tuple(declared)


def checks_of(name: str, what: str = "CHECK") -> tuple[Any, ...]:
    """What a loaded module and those it brings declare as ``CHECK``: called with a pipeline's options, it raises
    ConfigError for what no option alone can tell. ``CHECK_PIPELINES`` is called once, with the options and the
    configurations of all pipelines that bring it. ``NO_EFFECT`` is called as ``CHECK`` is, and gives names of options
    that take no effect beside others, each with the reason: a warning tells of those that were given."""
    found = (getattr(sys.modules[module], what, None) for module in _declaring(name))
    return tuple(each for each in found if callable(each))


def defaults_of(name: str) -> dict[str, Any]:
    """What a loaded module and those it brings declare as ``DEFAULTS``: option name -> value, where pipelines of a pack
    differ from others. They count only where nobody has given that option."""
    declared: dict[str, Any] = {}
    for module in _declaring(name):
        declared |= getattr(sys.modules[module], "DEFAULTS", {})
    return declared

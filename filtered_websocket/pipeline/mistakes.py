"""What is wrong with filter modules that could be imported: asked when all are loaded, by a start, `--check`, a reload
and the testing kit alike.
"""

import ast
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from filtered_websocket.chain.definition import name_of, no_filter, place_of
from filtered_websocket.chain.registry import FilterBase, FilterMeta, registries
from filtered_websocket.config.option import Option
from filtered_websocket.config.patterns import match
from filtered_websocket.errors import ConfigError
from filtered_websocket.pipeline.modules import endpoints_of, modules_of, source_of

_NOTHING: Any = FilterBase.filter.__func__  # type: ignore[attr-defined]


def without_filter(classes: Iterable[FilterMeta]) -> Iterator[ConfigError]:
    """A fault for each class that does nothing in its chain, and on which nobody has built."""
    for cls in classes:
        does_nothing = getattr(getattr(cls, "filter", None), "__func__", None) is _NOTHING
        if does_nothing and not cls.__subclasses__() and (fault := no_filter(cls)) is not None:
            yield fault


def filters_that_are_none(names: Iterable[str]) -> Iterator[ConfigError]:
    """A fault for each class that has no ``filter``.

    :param names: of filter modules, all loaded
    """
    modules = {module for name in names for module in modules_of(name)}
    classes = dict.fromkeys(each for registry in registries() for each in registry if each.__module__ in modules)
    return without_filter(each for each in classes if isinstance(each, FilterMeta))


def check_options(name: str) -> None:
    """
    :param name: of a loaded filter module
    :raises ConfigError: its ``OPTIONS``, or those of a module that it brings, are no sequence of options
    """
    for module in modules_of(name):
        options = getattr(sys.modules[module], "OPTIONS", ())
        several = isinstance(options, (tuple, list))
        odd = [each for each in options if not isinstance(each, Option)] if several else [options]
        if odd:
            comma = ": a comma behind it makes it one" if isinstance(options, Option) else ""
            what = "an Option" if isinstance(odd[0], Option) else repr(odd[0])
            raise ConfigError(
                f"{module}.OPTIONS is to be a tuple of filtered_websocket.config.Option, and "
                f"{'holds' if several else 'is'} {what}{comma}{_place(module)}"
            )


def out_of_reach(names: Iterable[str], patterns: Sequence[str]) -> Iterator[ConfigError]:
    """A fault for each endpoint of one's own that no request can reach.

    :param names: of a pipeline's filter modules
    :param patterns: which paths are its own
    """
    if any("*" in pattern for pattern in patterns):
        return  # an endpoint is served behind the beginning that such a pattern fixes
    for endpoint in dict.fromkeys(each for name in names for each in endpoints_of(name)):
        reached = any(match(endpoint.path, pattern) is not None for pattern in patterns)
        # A pack brings all that its protocol has, whatever of it is wanted here.
        if not reached and endpoint.__module__.partition(".")[0] != __name__.partition(".")[0]:
            yield ConfigError(
                f'{name_of(endpoint)}: no request reaches "{endpoint.path}" in the pipeline "{" ".join(patterns)}": '
                f'name the path there too, "{" ".join((*patterns, endpoint.path))}"{place_of(endpoint)}'
            )


def _place(module: str) -> str:
    """Where a module sets its ``OPTIONS``."""
    lines = [
        node.lineno
        for node in ast.walk(ast.parse(source_of(sys.modules[module])))
        if isinstance(node, ast.Name) and node.id == "OPTIONS" and isinstance(node.ctx, ast.Store)
    ]
    return f" ({getattr(sys.modules[module], '__file__', module)}, line {lines[-1]})" if lines else ""

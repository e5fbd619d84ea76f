"""What a server in memory is given, names of modules and classes, made into options and the chains of pipelines."""

from collections.abc import Iterable, Mapping
from typing import Any

from filtered_websocket.chain.events import EVENTS
from filtered_websocket.chain.registry import FilterMeta
from filtered_websocket.config.configuration import Configuration, raise_all
from filtered_websocket.config.option import Options
from filtered_websocket.config.uses import Use, uses
from filtered_websocket.errors import ConfigError
from filtered_websocket.pipeline.checks import declared_faults
from filtered_websocket.pipeline.declared import options_of
from filtered_websocket.pipeline.mistakes import check_options, filters_that_are_none, without_filter
from filtered_websocket.pipeline.modules import filters_of, further_roots, load
from filtered_websocket.pipeline.pipeline import Pipeline
from filtered_websocket.pipeline.uses import Uses
from filtered_websocket.server.options import DECLARED

Filter = str | dict[str, Any] | FilterMeta
"""A filter module's name, that with options of its own, or a filter class."""
Given = dict[tuple[str, ...], tuple[Use | FilterMeta, ...]]  # patterns of a pipeline -> its filters


def by_patterns(filters: tuple[Filter, ...], pipelines: Mapping[str, Any]) -> Given:
    """
    :raises ConfigError: what is no filter is among them
    """
    given: Given = {("*",): _read(filters)} if filters else {}
    for key, value in pipelines.items():
        given[tuple(key.split())] = _read(value["filters"] if isinstance(value, dict) else value)
    return given


def _read(filters: Iterable[Filter]) -> tuple[Use | FilterMeta, ...]:
    try:
        return tuple(each if isinstance(each, type) else uses([each])[0] for each in filters)
    except ValueError as error:
        raise ConfigError(f"testing.Server: filters: {error}") from None


def _uses(filters: Iterable[Use | FilterMeta]) -> list[Use]:
    return [each for each in filters if isinstance(each, Use)]


def resolved(filters: tuple[Filter, ...], options: dict[str, Any], given: Given) -> Any:
    """The options as `fws_server` would have them, filter classes left out: configuration knows names only."""
    document = dict(options)
    if filters:
        document["filters"] = _uses(given[("*",)])
    if "pipelines" in document:
        document["pipelines"] = {
            key: {**(value if isinstance(value, dict) else {}), "filters": _uses(given[tuple(key.split())])}
            for key, value in document["pipelines"].items()
        }
    configuration = Configuration((), {}, "testing.Server", document)
    for owner, declared in DECLARED:
        configuration.declare(declared, owner)
    modules = [load(name).__name__ for name in configuration.filter_modules()]
    classes = [each for chain in given.values() for each in chain if not isinstance(each, Use)]
    faults = [*filters_that_are_none(modules), *without_filter(classes)]
    raise_all(faults)
    modules += [each.__module__ for each in classes]
    for name in modules:
        check_options(name)
        configuration.declare(options_of(name), name)
    found: Options = configuration.resolve()
    raise_all(list(declared_faults(found)))
    return found


def load_into(pipeline: Pipeline, given: Iterable[Use | FilterMeta]) -> None:
    """A pipeline's chains, of classes and names in the order given."""
    numbered = iter(pipeline.uses.given)
    filters = [next(numbered) if isinstance(each, Use) else each for each in given]
    for root in EVENTS:
        chain = pipeline.filters[root.event] = _chain(pipeline.uses, filters, root)  # type: ignore[attr-defined]
        pipeline.chains[root.event] = tuple(one.step for one in chain)  # type: ignore[attr-defined]
    pipeline.further = {root: _chain(pipeline.uses, filters, root) for root in further_roots()}


def _chain(uses: Uses, filters: Iterable[tuple[Use, int] | FilterMeta], root: FilterMeta) -> tuple[FilterMeta, ...]:
    chain: list[FilterMeta] = []
    for each in filters:
        if isinstance(each, tuple):
            chain += [uses.use_of(one, *each) for one in filters_of(each[0].module, root)]
        elif issubclass(each, root):
            chain.append(uses.use_of(each, Use(each.__module__)))
    return tuple(dict.fromkeys(chain))

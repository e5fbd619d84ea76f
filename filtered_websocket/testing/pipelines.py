"""What a server in memory is given, names of modules and classes, made into options and the chains of pipelines."""

from collections.abc import Iterable, Mapping
from typing import Any

from filtered_websocket.chain.events import EVENTS
from filtered_websocket.chain.registry import FilterMeta
from filtered_websocket.config.configuration import Configuration, raise_all
from filtered_websocket.pipeline.mistakes import check_options, filters_that_are_none, without_filter
from filtered_websocket.pipeline.modules import filters_of, further_roots, load, options_of
from filtered_websocket.pipeline.pipeline import Pipeline
from filtered_websocket.server.options import DECLARED

Given = dict[tuple[str, ...], tuple[str | FilterMeta, ...]]  # patterns of a pipeline -> its filters


def by_patterns(filters: tuple[str | FilterMeta, ...], pipelines: Mapping[str, Any]) -> Given:
    given: Given = {("*",): filters} if filters else {}
    for key, value in pipelines.items():
        given[tuple(key.split())] = tuple(value["filters"] if isinstance(value, dict) else value)
    return given


def _names(filters: Iterable[str | FilterMeta]) -> list[str]:
    return [each for each in filters if isinstance(each, str)]


def resolved(filters: tuple[str | FilterMeta, ...], options: dict[str, Any], given: Given) -> Any:
    """The options as `fws_server` would have them, filter classes left out: configuration knows names only."""
    document = dict(options)
    if filters:
        document["filters"] = _names(filters)
    if "pipelines" in document:
        document["pipelines"] = {
            key: {**(value if isinstance(value, dict) else {}), "filters": _names(given[tuple(key.split())])}
            for key, value in document["pipelines"].items()
        }
    configuration = Configuration((), {}, "testing.Server", document)
    for owner, declared in DECLARED:
        configuration.declare(declared, owner)
    modules = [load(name).__name__ for name in configuration.filter_modules()]
    classes = [each for chain in given.values() for each in chain if not isinstance(each, str)]
    faults = [*filters_that_are_none(modules), *without_filter(classes)]
    raise_all(faults)
    modules += [each.__module__ for each in classes]
    for name in modules:
        check_options(name)
        configuration.declare(options_of(name), name)
    return configuration.resolve()


def load_into(pipeline: Pipeline, given: Iterable[str | FilterMeta]) -> None:
    """A pipeline's chains, of classes and names in the order given."""
    for root in EVENTS:
        chain = pipeline.filters[root.event] = _chain(given, root)  # type: ignore[attr-defined]
        pipeline.chains[root.event] = tuple(one.step for one in chain)  # type: ignore[attr-defined]
    pipeline.further = {root: _chain(given, root) for root in further_roots()}


def _chain(given: Iterable[str | FilterMeta], root: FilterMeta) -> tuple[FilterMeta, ...]:
    chain: list[FilterMeta] = []
    for each in given:
        chain += filters_of(each, root) if isinstance(each, str) else [each] if issubclass(each, root) else []
    return tuple(dict.fromkeys(chain))

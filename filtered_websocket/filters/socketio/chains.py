"""The chains of one pipeline's filters, by namespace and event.

A pipeline runs its own filters, in the order of its modules, and a reload gives it others (`Pipeline.further`). What
names no namespace is for ``/``, which is always there. Another is there if a filter of any kind names it.
"""

import functools
import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from filtered_websocket.chain.registry import FilterMeta
from filtered_websocket.chain.running import Step
from filtered_websocket.filters.socketio.events import (
    SocketIOConnectFilter,
    SocketIODisconnectFilter,
    SocketIOEventFilter,
    SocketIOServerFilter,
)

ROOTS: tuple[FilterMeta, ...] = (
    SocketIOConnectFilter,
    SocketIOEventFilter,
    SocketIODisconnectFilter,
    SocketIOServerFilter,
)


class Occasion(NamedTuple):
    """What filters are called with.

    :ivar instance: a socket, or a namespace
    """

    instance: Any
    arguments: tuple[Any, ...] | list[Any]


class Chain(NamedTuple):
    """Filters that are called with the same arguments.

    :ivar steps: as `chain.running.run` takes them, with an `Occasion` as instance
    :ivar least: arguments that they need; more than they take are left out
    """

    steps: tuple[Step, ...] = ()
    least: int = 0


EMPTY = Chain()


class EventChains(NamedTuple):
    """The chains of events: of those that filters name, and of all others."""

    named: Mapping[str, Chain]
    others: Chain

    def of(self, event: str) -> Chain:
        """The chain of an event; an empty one for an event that is nothing to anybody."""
        return self.named.get(event, self.others)


class NamespaceChains(NamedTuple):
    """The chains of one namespace."""

    connect: Chain
    disconnect: Chain
    events: EventChains
    server: EventChains


class Chains:
    """
    :param further: the filters of chains by their roots, as a pipeline has them
    """

    def __init__(self, further: Mapping[FilterMeta, tuple[FilterMeta, ...]]) -> None:
        self._filters = tuple(further.get(root, ()) for root in ROOTS)

    def of(self, namespace: str) -> NamespaceChains | None:
        """The chains of a namespace; None if there is no such namespace."""
        found = [[each for each in filters if _names(each, namespace)] for filters in self._filters]
        if namespace != "/" and not any(found):
            return None
        connect, events, disconnect, server = found
        return NamespaceChains(_chain(connect), _chain(disconnect), _event_chains(events), _event_chains(server))


def _names(each: Any, namespace: str) -> bool:
    named = each.namespace
    if isinstance(named, re.Pattern):
        return named.fullmatch(namespace) is not None
    return namespace in _several(named)


def _several(names: str | Iterable[str]) -> Iterable[str]:
    return (names,) if isinstance(names, str) else names


def _event_chains(filters: list[Any]) -> EventChains:
    names = {name for each in filters if each.event is not None for name in _several(each.event)}
    named = {
        name: _chain([each for each in filters if each.event is None or name in _several(each.event)]) for name in names
    }
    return EventChains(named, _chain([each for each in filters if each.event is None]))


def _chain(filters: Iterable[Any]) -> Chain:
    made = [_step(each.filter) for each in filters]
    return Chain(tuple(step for step, _ in made), max((least for _, least in made), default=0))


def _step(function: Callable[..., Any]) -> tuple[Step, int]:
    """A filter as a chain calls it, and how many arguments it needs."""
    parameters = list(inspect.signature(function).parameters.values())[1:]
    positional = [each for each in parameters if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)]
    most = None if any(each.kind == each.VAR_POSITIONAL for each in parameters) else len(positional)

    def step(occasion: Occasion, _: Any) -> Any:
        return function(occasion.instance, *occasion.arguments[:most])

    return functools.wraps(function)(step), sum(each.default is each.empty for each in positional)

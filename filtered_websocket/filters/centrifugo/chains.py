"""How the chains of `events` run: a pipeline's own filters, in the order of its modules, each with client and event."""

import functools
from collections.abc import Mapping
from typing import Any, NamedTuple

from twisted.internet.defer import Deferred

from filtered_websocket.chain.interfaces import Pipeline
from filtered_websocket.chain.outcomes import report
from filtered_websocket.chain.registry import FilterMeta
from filtered_websocket.chain.running import Step, limit_time, run
from filtered_websocket.errors import StopChain
from filtered_websocket.filters.centrifugo.events import CentrifugoRPCFilter

_NONE: tuple[Step, ...] = ()


class Occasion(NamedTuple):
    """What filters are called with."""

    client: Any
    event: Any


class Chains:
    """Those of one pipeline, which a reload gives others."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._further: Mapping[FilterMeta, tuple[FilterMeta, ...]] = {}
        self._steps: dict[FilterMeta, tuple[Step, ...]] = {}

    def of(self, root: FilterMeta) -> tuple[Step, ...]:
        """The filters of a root, as a chain calls them."""
        if self._pipeline.further is not self._further:
            self._further, self._steps = self._pipeline.further, {}
        steps = self._steps.get(root)
        if steps is None:
            steps = tuple(_step(each.filter) for each in self._further.get(root, ()))  # type: ignore[attr-defined]
            self._steps[root] = steps
        return steps

    def of_method(self, method: str) -> tuple[Step, ...]:
        """The filters of one method of RPC."""
        steps = self.of(CentrifugoRPCFilter)
        if not steps:
            return steps
        filters: Any = self._further[CentrifugoRPCFilter]
        return tuple(step for step, each in zip(steps, filters, strict=True) if _names(each.method, method))

    def run(self, steps: tuple[Step, ...], client: Any, event: Any) -> Any:
        """Run filters once.

        :returns: what the last one gives that gives anything, or a Deferred of that
        :raises BaseException: whatever a filter raises, but StopChain
        """
        try:
            result = run(steps, Occasion(client, event), None)
        except StopChain:
            return None
        if isinstance(result, Deferred):
            pipeline = self._pipeline
            limit_time(result, pipeline.options.filter_timeout, pipeline.server.reactor, pipeline.storage_object)
            result.addErrback(lambda failure: failure.trap(StopChain) and None)
        return result

    async def ask(self, root: FilterMeta, client: Any, event: Any) -> None:
        """Have the filters of a root decide about an event."""
        if steps := self.of(root):
            result = self.run(steps, client, event)
            if isinstance(result, Deferred):
                await result

    async def tell(self, root: FilterMeta, client: Any, event: Any) -> None:
        """Have all filters of a root know of what has happened: one that fails keeps none of the others from it."""
        for step in self.of(root):
            try:
                result = self.run((step,), client, event)
                if isinstance(result, Deferred):
                    await result
            except BaseException as error:
                report(self._pipeline.server.counters, error)


def _names(named: str | tuple[str, ...] | None, method: str) -> bool:
    return named is None or named == method or (isinstance(named, tuple) and method in named)


def _step(function: Any) -> Step:
    def step(occasion: Occasion, _: Any) -> Any:
        return function(occasion.client, occasion.event)

    return functools.wraps(function)(step)

"""Chains whose steps are told to a trace: that of a connection's event, and the consumer chain for some channels."""

import functools
import time
from collections.abc import Callable, Collection, Sequence
from typing import Any

from twisted.internet.defer import Deferred

from filtered_websocket.chain.definition import name_of
from filtered_websocket.chain.running import Step
from filtered_websocket.errors import Close, Reject, StopChain, printable
from filtered_websocket.messages.publication import Publication
from filtered_websocket.monitoring.secrets import without_secrets
from filtered_websocket.pipeline.pipeline import Pipeline

LONGEST = 500
"""Characters of a payload that are shown."""

Tell = Callable[..., object]


def text_of(value: Any, binary: bool = False) -> str:
    """What is shown of a payload, or of what a filter returns: short, and without secrets."""
    if isinstance(value, (bytes, bytearray)):
        cut = bytes(value[: LONGEST * 4])
        # As bytes nothing shows itself any more.
        text = (
            without_secrets(cut.decode("latin-1")).encode("latin-1").hex(" ")
            if binary
            else cut.decode(errors="replace")
        )
    elif isinstance(value, str):
        text = value[: LONGEST * 4]
    elif isinstance(value, Publication):
        return f"a publication to {text_of(value.channel)}: {text_of(value.payload)}"
    elif isinstance(value, (list, tuple)):
        return " ".join(text_of(each) for each in value[:5])[: LONGEST + 1]
    else:
        text = type(value).__name__
    short = without_secrets(text[:LONGEST])
    return short + "…" if len(text) > LONGEST else short


def outcome_of(error: BaseException) -> str:
    """What is shown of what a filter raises."""
    if isinstance(error, Close):
        return f"Close {error.code} {text_of(error.reason)}".rstrip()
    if isinstance(error, Reject):
        return f"Reject {error.status} {text_of(error.reason)}".rstrip()
    if isinstance(error, StopChain):
        return "StopChain"
    return printable(f"{type(error).__name__}: {text_of(str(error))}")


class TracedStep:
    """One filter, as it is traced.

    :param told: called with what it has done
    """

    # What is told of a failure names the filter within.
    __slots__ = ("__wrapped__", "_begins", "_name", "_told")

    def __init__(self, step: Step, name: str, told: Callable[[dict[str, Any]], object], begins: Any = None) -> None:
        self.__wrapped__, self._name, self._told, self._begins = step, name, told, begins

    def __eq__(self, other: object) -> bool:
        # A filter looks for its place in the chain by its own step.
        return self is other or self.__wrapped__ == other

    __hash__ = object.__hash__

    def __call__(self, instance: Any, data: Any) -> Any:
        if self._begins is not None:
            self._begins()
        begin = time.perf_counter()
        try:
            result = self.__wrapped__(instance, data)
        except BaseException as error:
            self._tell(begin, raises=outcome_of(error))
            raise
        if isinstance(result, Deferred):
            return result.addCallbacks(self._came, self._failed, (begin,), {}, (begin,), {})
        if hasattr(result, "__await__"):
            return self._awaited(result, begin)
        self._gave(result, begin, False)
        return result

    def _came(self, result: Any, begin: float) -> Any:
        self._gave(result, begin, True)
        return result

    def _failed(self, failure: Any, begin: float) -> Any:
        self._tell(begin, raises=outcome_of(failure.value), awaited=True)
        return failure

    async def _awaited(self, awaitable: Any, begin: float) -> Any:
        try:
            result = await awaitable
        except BaseException as error:
            self._tell(begin, raises=outcome_of(error), awaited=True)
            raise
        self._gave(result, begin, True)
        return result

    def _gave(self, result: Any, begin: float, awaited: bool) -> None:
        self._tell(begin, gives=None if result is None else text_of(result), awaited=awaited)

    def _tell(self, begin: float, awaited: bool = False, **about: Any) -> None:
        seconds = round(time.perf_counter() - begin, 6)
        self._told({"filter": self._name, "seconds": seconds, "awaited": awaited} | about)


def traced(steps: Sequence[Step], told: Callable[[dict[str, Any]], object]) -> tuple[Step, ...]:
    """The steps of a chain that a pack has of its own, as they are traced."""
    return tuple(TracedStep(step, name_of(step).removesuffix(".filter"), told) for step in steps)


def _named(pipeline: Pipeline, event: str) -> list[tuple[Step, str]]:
    return [(each.step, f"{each.__module__}.{each.__qualname__}") for each in pipeline.filters[event]]


class TracedChain:
    """While it is entered the next run of a connection's chain is a traced one. Its first step puts the plain one back:
    what runs within is not traced, and filters find the chain that they know.

    A filter that runs those behind it itself, from within, says so: ``runs_the_rest``. The step behind it does that.
    """

    def __init__(self, connection: Any, event: str, tell: Tell) -> None:
        self._connection, self._event, self._tell = connection, event, tell
        self._chains: Any = None
        self._plain: tuple[Step, ...] = ()
        self._traced: tuple[Step, ...] = ()

    def __enter__(self) -> None:
        pipeline = self._connection.pipeline
        if pipeline is None or not pipeline.chains[self._event]:
            return
        self._chains, self._plain = pipeline.chains, pipeline.chains[self._event]
        filters = pipeline.filters[self._event]
        steps = [TracedStep(step, name, self._told) for step, name in _named(pipeline, self._event)]
        for step, each in zip(steps, filters, strict=True):
            # One that may run those behind it finds them traced.
            if not getattr(each, "runs_the_rest", False):
                step._begins = self._put_back
                break
        if steps:
            self._traced = self._chains[self._event] = tuple(steps)

    def __exit__(self, *_: object) -> None:
        self._put_back()

    def _put_back(self) -> None:
        if self._chains is not None and self._chains[self._event] is self._traced:
            self._chains[self._event] = self._plain

    def _told(self, about: dict[str, Any]) -> None:
        self._tell(self._connection, "filter", event=self._event, **about)


class PublicationChain:
    """The consumer chain of a pipeline, traced for some channels, from now on.

    :param told: called with pipeline, channel, what happens, and more about it
    """

    def __init__(self, pipeline: Pipeline, channels: Collection[str], told: Tell) -> None:
        self._pipeline, self._channels, self._told = pipeline, channels, told
        self._plain = pipeline.chains["consumer"]
        steps = [(self._step(step, name)) for step, name in _named(pipeline, "consumer")]
        self._traced: tuple[Step, ...] = (self._arrives, *steps)
        pipeline.chains["consumer"] = self._traced

    def take_out(self) -> None:
        """Put the plain chain back, unless a reload has brought another."""
        if self._pipeline.chains["consumer"] is self._traced:
            self._pipeline.chains["consumer"] = tuple(step for step, _ in _named(self._pipeline, "consumer"))

    def _is_traced(self, item: Any) -> bool:
        return isinstance(item, Publication) and item.channel in self._channels

    def _arrives(self, pipeline: Any, item: Any) -> None:
        if self._is_traced(item):
            payloads = [text_of(*each) for each in item.messages[:5]]
            about = {
                "messages": len(item.messages),
                "size": sum(len(payload) for payload, _ in item.messages),
                "payload": " ".join(payloads),
                "subscribers": len(pipeline.hub.subscribers(item.channel)),
            }
            self._told(self._pipeline, item.channel, "published", about)

    def _step(self, step: Step, name: str) -> Step:
        @functools.wraps(step)
        def traced(pipeline: Any, item: Any) -> Any:
            if not self._is_traced(item):
                return step(pipeline, item)
            channel = item.channel

            def told(about: dict[str, Any]) -> None:
                self._told(self._pipeline, channel, "filter", {"event": "consumer"} | about)

            return TracedStep(step, name, told)(pipeline, item)

        return traced

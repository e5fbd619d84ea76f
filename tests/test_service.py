"""One server in one process, begun and ended within this one."""

from typing import Any

import pytest
from twisted.internet.defer import Deferred

from filtered_websocket.assembly import Assembly
from filtered_websocket.errors import ConfigError
from filtered_websocket.filters.base import FilterMeta, WebSocketStartFilter, WebSocketStopFilter
from filtered_websocket.service import Service
from tests.end_to_end.raw_client import RawClient
from tests.reactor_thread import call
from tests.serving import Events, logged, module_of
from tests.web.client import ended, read_answer


class Reactor:
    """The real reactor, but its shutdown is the test's."""

    def __init__(self, real: Any) -> None:
        self._real = real
        self.triggers: list[Any] = []

    def addSystemEventTrigger(self, phase: str, event: str, function: Any) -> None:
        assert (phase, event) == ("before", "shutdown")
        self.triggers.append(function)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


def service(*words: str, filters: tuple[FilterMeta, ...] = ()) -> tuple[Service, Reactor]:
    from twisted.internet import reactor

    argv = ["-f", module_of(*filters), "--host", "127.0.0.1", "-p", "0", *words]
    assembly = Assembly(argv, {})
    assembly.load()
    mine = Reactor(reactor)
    return call(Service, argv, assembly, assembly.options(), mine), mine


def begin(served: Service) -> None:
    async def begun() -> None:
        await served.begin()

    call(begun)


def test_it_says_that_it_listens_after_start_filters_and_runs_stop_filters_when_it_does_no_more() -> None:
    events = Events()
    gate: Deferred[None] = Deferred()

    class Starts(WebSocketStartFilter):
        @classmethod
        async def filter(cls, pipeline: Any, data: None) -> None:
            events.tell("starts")
            await gate

    class Stops(WebSocketStopFilter):
        @classmethod
        def filter(cls, pipeline: Any, data: None) -> None:
            events.tell("stops")

    served, reactor = service(filters=(Starts, Stops))
    with logged() as lines:
        begun = call(lambda: [_started(served)])[0]
        assert events.next() == "starts"
        assert "listening on" not in "".join(lines)
        call(gate.callback, None)
        call(lambda: begun)
        assert "listening on ws://127.0.0.1:" in "".join(lines)
        (end,) = reactor.triggers
        call(end)
        assert events.next() == "stops"
        assert lines[-1] == "stopped\n"


def test_while_it_starts_no_more_than_so_many_may_ask_for_its_health() -> None:
    gate: Deferred[None] = Deferred()

    class Starts(WebSocketStartFilter):
        @classmethod
        async def filter(cls, pipeline: Any, data: None) -> None:
            await gate

    served, reactor = service("--max_http_connections", "1", filters=(Starts,))
    begun = call(lambda: [_started(served)])[0]
    address = ("127.0.0.1", served._port.getHost().port)
    with RawClient(address) as first, RawClient(address) as second:
        assert ended(second)
        assert served.server.counters.totals["refused", "max_http_connections"] == 1
        first.send(b"GET /health/ready HTTP/1.1\r\nHost: h\r\n\r\n")
        assert read_answer(first).json == {"status": "unavailable", "reason": "starting"}
        assert ended(first)
    call(gate.callback, None)
    call(lambda: begun)
    with RawClient(address) as client:
        client.open()
    (end,) = reactor.triggers
    call(end)


def _started(served: Service) -> Any:
    return Deferred.fromCoroutine(served.begin())


def test_what_has_begun_is_ended_also_when_the_start_fails() -> None:
    events = Events()

    class Fails(WebSocketStartFilter):
        @classmethod
        def filter(cls, pipeline: Any, data: None) -> None:
            raise RuntimeError("no")

    class Stops(WebSocketStopFilter):
        @classmethod
        def filter(cls, pipeline: Any, data: None) -> None:
            events.tell("stops")

    served, reactor = service(filters=(Fails, Stops))
    with pytest.raises(ConfigError, match=r"the start filter .*Fails.filter failed: RuntimeError: no"):
        begin(served)
    (end,) = reactor.triggers
    call(end)
    assert events.next() == "stops"


def test_a_service_that_never_began_ends() -> None:
    served, reactor = service()
    assert reactor.triggers == []
    call(served.end)

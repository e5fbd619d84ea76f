"""A trace shows the chains of Centrifugo, step by step: those of one client, and no other's."""

from collections.abc import Iterator
from typing import Any

import pytest
from twisted.logger import LogLevel, formatEvent, globalLogPublisher

from filtered_websocket.filters.centrifugo import (
    CentrifugoConnectFilter,
    CentrifugoDisconnectFilter,
    CentrifugoPublishFilter,
    CentrifugoRefreshFilter,
    CentrifugoRPCFilter,
    CentrifugoSendFilter,
    CentrifugoSubRefreshFilter,
    CentrifugoSubscribeFilter,
    CentrifugoUnsubscribeFilter,
    Error,
)
from filtered_websocket.filters.centrifugo.chains import Chains
from filtered_websocket.server.newcomers import NAMED_SECONDS
from filtered_websocket.server.tracing import RENEW_SECONDS
from filtered_websocket.testing import FilterFailed
from filtered_websocket.testing.server import Server
from tests.filters.centrifugo.clients import Speaking, connected, later, serving, token
from tests.support.steering import Traced

HERE = __name__


class Door(CentrifugoConnectFilter):
    @classmethod
    async def filter(cls, client: Any, event: Any) -> None: ...


class Renewed(CentrifugoRefreshFilter):
    @classmethod
    def filter(cls, client: Any, event: Any) -> None: ...


class Rooms(CentrifugoSubscribeFilter):
    @classmethod
    def filter(cls, client: Any, event: Any) -> None:
        if event.channel == "open:no":
            raise Error(451, "not for you")


class Longer(CentrifugoSubRefreshFilter):
    @classmethod
    def filter(cls, client: Any, event: Any) -> None: ...


class Clean(CentrifugoPublishFilter):
    @classmethod
    async def filter(cls, client: Any, event: Any) -> None: ...


class Calls(CentrifugoRPCFilter):
    @classmethod
    def filter(cls, client: Any, event: Any) -> Any:
        if event.method == "fail":
            raise ValueError("on purpose")
        return "called"


class Hears(CentrifugoSendFilter):
    @classmethod
    def filter(cls, client: Any, event: Any) -> None: ...


class Left(CentrifugoUnsubscribeFilter):
    @classmethod
    def filter(cls, client: Any, event: Any) -> None: ...


class Gone(CentrifugoDisconnectFilter):
    @classmethod
    async def filter(cls, client: Any, event: Any) -> None: ...


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(Door, Renewed, Rooms, Longer, Clean, Calls, Hears, Left, Gone) as started:
        yield started


def steps(trace: Traced) -> list[tuple[str, ...]]:
    """The steps of the pack's chains, of what was told."""
    return [each[1:] for each in trace.told() if each[0] == "filter" and each[1].startswith("centrifugo ")]


def test_each_event_is_told_in_each_filter_and_nothing_of_others(server: Server) -> None:
    other = connected(server, "bob")
    trace = Traced(server, user="ann")
    client = connected(server, "ann", exp=later())
    for each in (client, other):
        each.subscribe("open:no")
        each.subscribe("open:a")
        each.publish("open:a", 1)
        each.ask("rpc", method="now")
        each.say({"send": {"data": 5}})
    client.ask("refresh", token=token("ann", exp=later(200)))
    client.ask("unsubscribe", channel="open:a")
    client.subscribe("closed:a", token=token("ann", channel="closed:a", exp=later()))
    client.ask("sub_refresh", channel="closed:a", token=token("ann", channel="closed:a", exp=later(200)))
    client.wire.close()
    assert steps(trace) == [
        ("centrifugo connect", f"{HERE}.Door"),
        ("centrifugo subscribe", f"{HERE}.Rooms", "open:no", "Error: (451, 'not for you')"),
        ("centrifugo subscribe", f"{HERE}.Rooms", "open:a"),
        ("centrifugo publish", f"{HERE}.Clean", "open:a"),
        ("centrifugo rpc", f"{HERE}.Calls", "called"),
        ("centrifugo send", f"{HERE}.Hears"),
        ("centrifugo refresh", f"{HERE}.Renewed"),
        ("centrifugo unsubscribe", f"{HERE}.Left", "open:a"),
        ("centrifugo subscribe", f"{HERE}.Rooms", "closed:a"),
        ("centrifugo sub_refresh", f"{HERE}.Longer", "closed:a"),
        ("centrifugo unsubscribe", f"{HERE}.Left", "closed:a"),
        ("centrifugo disconnect", f"{HERE}.Gone"),
    ]
    trace.end()


def test_one_that_is_there_is_told_of_until_nobody_looks_any_more(server: Server) -> None:
    client = connected(server, "ann")
    trace = Traced(server, user="ann")
    client.ask("rpc", method="now")
    assert steps(trace) == [("centrifugo rpc", f"{HERE}.Calls", "called")]
    assert type(client.session.chains) is not Chains
    trace.end()
    assert client.session.chains is client.session.state.chains


def test_one_that_does_not_say_whose_it_is_is_looked_at_no_more() -> None:
    with serving(Door, centrifugo_stale_delay=60) as server:
        trace = Traced(server, user="ann")
        client = Speaking(server)
        assert type(client.session.chains) is not Chains
        server.advance(NAMED_SECONDS + RENEW_SECONDS)
        assert client.session.chains is client.session.state.chains
        client.ask("connect", token=token("ann"))
        assert ("opened",) in trace.told()
        trace.end()


def fail(looks: bool) -> None:
    with serving(Calls) as server:
        client = connected(server, "ann")
        trace = Traced(server, user="ann") if looks else None
        assert client.ask("rpc", method="fail") == 100
        if trace is not None:
            assert steps(trace) == [("centrifugo rpc", f"{HERE}.Calls", "ValueError: on purpose")]
            trace.end()


def test_failures_are_told_of_the_filter_whether_somebody_looks_or_not() -> None:
    told: list[list[str]] = []
    for looks in (False, True):
        events: list[Any] = []
        globalLogPublisher.addObserver(events.append)
        with pytest.raises(FilterFailed):
            fail(looks)
        globalLogPublisher.removeObserver(events.append)
        lines = [formatEvent(each).splitlines() for each in events if each["log_level"] is not LogLevel.info]
        told.append([line for each in lines for line in (each[0], each[-1])])  # not what lies between
    assert told[1] == told[0]
    assert f"failed: filter ({HERE}.Calls.filter)" in told[0]

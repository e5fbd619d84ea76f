"""A trace shows the chains of Socket.IO, step by step: those of one client, on whatever carries it."""

from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from twisted.internet.defer import Deferred
from twisted.logger import LogLevel, formatEvent, globalLogPublisher

from filtered_websocket.errors import Reject
from filtered_websocket.filters.socketio import (
    SocketIOConnectFilter,
    SocketIODisconnectFilter,
    SocketIOEventFilter,
)
from filtered_websocket.filters.socketio.client import Client
from filtered_websocket.server.trace import TOGETHER_SECONDS
from filtered_websocket.testing import FilterFailed
from filtered_websocket.testing.server import Server
from tests.filters.socketio.clients import Nodes, client, enter, start
from tests.filters.ws_emit.clients import Poller, socket
from tests.support.steering import Traced

Serve = Callable[..., Server]
HERE = __name__


class Door(SocketIOConnectFilter):
    namespace = ("/", "/chat")

    @classmethod
    def filter(cls, socket: Any, auth: Any) -> None:
        if "no" in auth:
            raise Reject(403, "not you")
        socket.user = auth["user"]


class Say(SocketIOEventFilter):
    event = "say"
    namespace = ("/", "/chat")
    waiting: ClassVar[list[Deferred[str]]] = []

    @classmethod
    def filter(cls, socket: Any, text: str) -> Any:
        if text == "wait":
            cls.waiting.append(Deferred())
            return cls.waiting[-1]
        return text.upper()


class Any_(SocketIOEventFilter):
    @classmethod
    def filter(cls, socket: Any, *arguments: Any) -> None: ...


class Left(SocketIODisconnectFilter):
    @classmethod
    def filter(cls, socket: Any, reason: str) -> None: ...


FILTERS = (Door, Say, Any_, Left)


def steps(trace: Traced) -> list[tuple[str, ...]]:
    """The steps of chains of Socket.IO, of what was told."""
    return [each[1:] for each in trace.told() if each[0] == "filter" and each[1].startswith("socketio ")]


def test_connect_event_and_disconnect_filters_of_a_client_are_told_and_no_others(serve: Serve) -> None:
    server = serve(*FILTERS)
    other = client(server, auth={"user": "bob"})
    trace = Traced(server, user="ann")
    made = client(server, auth={"user": "ann"})
    # While nobody knows whose it is, what comes is not told: its user is named by the last step.
    trace.told()
    made.send('40/chat,{"no":1}')
    assert made.received() == ['44/chat,{"message":"not you"}']
    enter(made, "/chat", {"user": "ann"})
    for text in ('420["say","hi"]', '42["else",1]', '42["say"]'):
        made.send(text)
        other.send(text)
    made.send("41/chat,")
    made.close()
    assert steps(trace) == [
        ("socketio connect", f"{HERE}.Door", "Reject 403 not you", "/chat"),
        ("socketio connect", f"{HERE}.Door", "/chat"),
        ("socketio event", f"{HERE}.Say", "HI", "/", "say"),
        ("socketio event", f"{HERE}.Any_", "/", "say"),
        ("socketio event", f"{HERE}.Any_", "/", "else"),
        ("socketio disconnect", f"{HERE}.Left", "/"),
    ]
    trace.end()


def test_by_its_id_and_on_every_transport_also_what_waits_over_an_upgrade(serve: Serve) -> None:
    server = serve(*FILTERS)
    poller = Poller(server, connect=False)
    (session,) = server.pipeline().users.values()
    trace = Traced(server, id=session.id)
    poller.post('40{"user":"ann"}')
    poller.post('42["say","wait"]')
    waits = Say.waiting.pop()
    websocket = poller.websocket()
    websocket.send("2probe")
    websocket.send("5")
    websocket.send('42["say","later"]')
    waits.callback("WAITED")
    told = steps(trace)
    assert told == [
        ("socketio connect", f"{HERE}.Door", "/"),
        ("socketio event", f"{HERE}.Say", "WAITED", "/", "say"),
        ("socketio event", f"{HERE}.Any_", "/", "say"),
        ("socketio event", f"{HERE}.Say", "LATER", "/", "say"),
        ("socketio event", f"{HERE}.Any_", "/", "say"),
    ]
    assert type(application(server)) is not Client
    trace.end()
    assert type(application(server)) is Client
    websocket.close()


def test_one_whose_user_a_connect_filter_has_named_is_traced_on_the_node_that_it_moves_to(
    nodes: Callable[..., Nodes],
) -> None:
    both = nodes(*FILTERS)
    poller = Poller(both.one, connect=False)
    poller.post('40{"user":"ann"}')
    both.settle()
    trace = Traced(both.two, user="ann")
    websocket = both.two.connect(poller.uri.replace("polling", "websocket"))
    websocket.send("2probe")
    both.settle()
    websocket.send("5")
    both.settle()
    websocket.send('42["say","hi"]')
    both.one.advance(TOGETHER_SECONDS)
    told = trace.told()
    assert ("moved",) in told
    assert ("opened",) in told
    assert ("filter", "socketio event", f"{HERE}.Say", "HI", "/", "say") in told
    trace.end()
    both.settle()
    websocket.close()


def application(server: Server) -> Any:
    (connection,) = server.pipeline().users.values()
    return connection.session.application  # type: ignore[attr-defined]


class Fails(SocketIOEventFilter):
    event = "fail"

    @classmethod
    def filter(cls, socket: Any, late: bool) -> Any:
        if late:
            return cls.later()
        raise ValueError("on purpose")

    @classmethod
    async def later(cls) -> None:
        raise ValueError("on purpose")


def fail_twice(looks: bool) -> None:
    with start(Fails) as server:
        made = socket(server)
        (connection,) = server.pipeline().users.values()
        trace = Traced(server, id=connection.id) if looks else None
        made.send('42["fail",false]')
        server.advance(20)
        made.send('42["fail",true]')
        if trace is not None:
            assert steps(trace) == [("socketio event", f"{HERE}.Fails", "ValueError: on purpose", "/", "fail")] * 2
            trace.end()


def test_failures_are_told_of_the_filter_whether_somebody_looks_or_not() -> None:
    told: list[list[str]] = []
    for looks in (False, True):
        events: list[Any] = []
        globalLogPublisher.addObserver(events.append)
        with pytest.raises(FilterFailed):
            fail_twice(looks)
        globalLogPublisher.removeObserver(events.append)
        told.append([formatEvent(each) for each in events if each["log_level"] is not LogLevel.info])
    assert told[1] == told[0]
    assert f"{HERE}.Fails.filter" in str(told[0])

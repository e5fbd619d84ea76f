"""What becomes of a client by what its filters return and raise."""

from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from twisted.internet.defer import Deferred

from filtered_websocket.chain.registry import FilterMeta
from filtered_websocket.errors import Close, NotAllowed, Reject, StopChain, StorageAway
from filtered_websocket.filters.socketio import (
    SocketIOConnectFilter,
    SocketIODisconnectFilter,
    SocketIOEventFilter,
)
from filtered_websocket.testing.server import Server
from tests.filters.socketio.clients import Chat, Echo, client
from tests.filters.ws_emit.clients import socket as opened

Serve = Callable[..., Server]


def door(does: Callable[[Any, Any], Any]) -> FilterMeta:
    class Door(SocketIOConnectFilter):
        @classmethod
        def filter(cls, socket: Any, auth: Any) -> Any:
            return does(socket, auth)

    return Door


def answering(does: Callable[..., Any]) -> FilterMeta:
    class Answer(SocketIOEventFilter):
        event = "e"

        @classmethod
        def filter(cls, socket: Any, *arguments: Any) -> Any:
            return does(socket, *arguments)

    return Answer


def raising(error: BaseException) -> Callable[..., Any]:
    def does(*_: Any) -> None:
        raise error

    return does


# Connecting.


def test_what_a_client_says_of_itself_and_what_it_is_sent_before_it_is_in(serve: Serve) -> None:
    def greet(socket: Any, auth: Any) -> None:
        socket.emit("auth", auth, socket.auth, socket.connected)
        socket.join("here")

    server = serve(door(greet))
    made = opened(server, connect=False)
    made.send('40{"token":"x"}')
    answers = made.received()
    assert answers[0][:9] == '40{"sid":'
    assert answers[1:] == ['42["auth",{"token":"x"},{"token":"x"},false]']
    assert any(name.endswith(",here") for name in server.pipeline().hub.channels)


@pytest.mark.parametrize(
    ("error", "answer"),
    [
        (Reject(403, "why"), '44{"message":"why"}'),
        (Reject(403, "why", data={"retry": 5}), '44{"message":"why","data":{"retry":5}}'),
    ],
)
def test_a_filter_refuses_with_a_reason_and_data_and_the_client_may_ask_again(
    serve: Serve, error: Reject, answer: str
) -> None:
    refusals = [error, None]

    def judge(socket: Any, auth: Any) -> None:
        if (refusal := refusals.pop(0)) is not None:
            socket.emit("never")
            raise refusal

    made = opened(serve(door(judge)), connect=False)
    made.send("40")
    assert made.received() == [answer]
    made.send("40")
    assert made.received()[0].startswith('40{"sid"')


def test_a_filter_that_fails_lets_nobody_in_and_its_traceback_begins_in_it(serve: Serve) -> None:
    server = serve(door(raising(ValueError("a fault"))))
    made = opened(server, connect=False)
    made.send("40")
    assert made.received() == ['44{"message":"Internal Server Error"}']
    (error,) = server.errors
    assert error.splitlines()[-1] == "ValueError: a fault"
    assert "socketio/chains.py" not in error


@pytest.mark.parametrize(("error", "code"), [(Close(4001, "go"), 4001), (StorageAway("away"), 1013)])
def test_a_filter_may_close_instead(serve: Serve, error: BaseException, code: int) -> None:
    made = opened(serve(door(raising(error))), connect=False)
    made.send("40")
    assert made.close_code == code


def test_a_filter_that_has_seen_enough_lets_in(serve: Serve) -> None:
    client(serve(door(raising(StopChain())), door(raising(Reject(403)))))


def test_a_door_that_takes_time_holds_up_what_comes_behind_it(serve: Serve) -> None:
    waits: list[Deferred[None]] = []

    async def think(socket: Any, auth: Any) -> None:
        waits.append(Deferred())
        await waits[-1]

    server = serve(door(think), Echo)
    made = opened(server, connect=False)
    made.send("40")
    made.send('421["echo"]')
    assert made.received() == []
    waits[0].callback(None)
    assert [packet[:5] for packet in made.received()] == ['40{"s', "431[]"]
    gone = opened(server, connect=False)
    gone.send("40")
    gone.abort()
    assert waits[1].called
    slow = opened(server, connect=False)
    slow.send("40")
    server.advance(31)
    assert slow.received() in (
        ['44{"message":"Internal Server Error"}'],
        ["2", '44{"message":"Internal Server Error"}'],
    )
    assert "filter_timeout" in server.errors[0]


# Events.


@pytest.mark.parametrize(
    ("value", "packets"),
    [
        (None, ["431[]"]),
        (1, ["431[1]"]),
        ((1, 2), ["431[1,2]"]),
        ([1, 2], ["431[[1,2]]"]),
        ((), ["431[]"]),
        (False, ["431[false]"]),
        (b"x", ['461-1[{"_placeholder":true,"num":0}]', b"x"]),
    ],
)
def test_what_a_filter_returns_is_the_acknowledgement_if_one_is_wanted(
    serve: Serve, value: Any, packets: list[Any]
) -> None:
    made = client(serve(answering(lambda socket: value)))
    made.send('42["e"]')
    assert made.received() == []
    made.send('421["e"]')
    assert made.received() == packets


def test_an_event_that_is_nothing_to_anybody_is_not_acknowledged(serve: Serve) -> None:
    made = client(serve(Echo))
    made.send('421["e"]')
    assert made.received() == []


def test_the_last_filter_that_returns_anything_acknowledges_and_the_chain_may_be_stopped(serve: Serve) -> None:
    seen: list[Any] = []

    def look(socket: Any, what: str) -> None:
        seen.append((socket.event, what))
        if what == "stop":
            raise StopChain

    made = client(serve(answering(lambda *_: 1), answering(look), answering(lambda *_: 2), answering(look)))
    made.send('421["e","go"]')
    assert made.received() == ["431[2]"]
    made.send('422["e","stop"]')
    assert made.received() == []
    assert seen == [("e", "go"), ("e", "go"), ("e", "stop")]


def test_an_event_with_too_few_arguments_reaches_no_filter_and_is_counted(serve: Serve) -> None:
    class Two(SocketIOEventFilter):
        event = "two"

        @classmethod
        def filter(cls, socket: Any, one: Any, two: Any) -> Any:  # type: ignore[override]
            return one

    server = serve(Two)
    made = client(server)
    made.send('421["two",1]')
    made.send('422["two",1,2,3]')
    assert made.received() == ["432[1]"]
    assert server.server.counters.totals["dropped", "socketio: an event with too few arguments"] == 1


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Close(4001, "go"), 4001),
        (Reject(403, "no"), 1008),
        (NotAllowed("max_channels", "no more"), 1008),
    ],
)
def test_a_word_to_the_server_ends_the_connection(serve: Serve, error: BaseException, code: int) -> None:
    server = serve(answering(raising(error)))
    made, other = client(server), client(server)
    made.send('42["e"]')
    assert made.close_code == code
    assert server.errors == []
    assert other.is_open


def test_a_filter_that_fails_is_reported_and_costs_nobody_the_connection(serve: Serve) -> None:
    behind: list[Any] = []
    server = serve(answering(raising(ValueError("a fault"))), answering(lambda *_: behind.append(1)), Echo)
    made = client(server)
    made.send('421["e"]')
    made.send('422["echo",1]')
    assert made.received() == ["432[1]"]
    (error,) = server.errors
    assert error.splitlines()[-1] == "ValueError: a fault"
    assert server.server.counters.totals["failed", "filter"] == 1
    assert behind == []


def test_a_filter_that_takes_too_long_fails_and_the_next_event_has_its_turn(serve: Serve) -> None:
    server = serve(answering(lambda *_: Deferred()), Echo, filter_timeout=3)
    made = client(server)
    made.send('421["e"]')
    made.send('422["echo",1]')
    assert made.received() == []
    server.advance(3)
    assert made.received() == ["432[1]"]
    (error,) = server.errors
    assert "the filter took longer than 3 s (filter_timeout)" in error


def test_an_acknowledgement_that_json_cannot_hold_is_a_failure(serve: Serve) -> None:
    server = serve(answering(lambda socket: object()))
    made = client(server)
    made.send('421["e"]')
    assert made.received() == []
    assert made.is_open
    assert server.errors


# The end.


def test_each_disconnect_filter_runs_also_behind_one_that_fails(serve: Serve) -> None:
    class Fails(SocketIODisconnectFilter):
        namespace = "/chat"

        @classmethod
        def filter(cls, socket: Any, reason: str) -> None:
            raise ValueError("a fault")

    class Runs(SocketIODisconnectFilter):
        namespace = "/chat"
        seen: ClassVar[list[Any]] = []

        @classmethod
        async def filter(cls, socket: Any, reason: str) -> None:
            cls.seen.append((reason, socket.rooms, socket.connected))

    server = serve(Chat, Fails, Runs)
    made = client(server, "/chat")
    made.send("41/chat")
    server.settle()
    assert Runs.seen == [("client namespace disconnect", {made.sid}, False)]  # type: ignore[attr-defined]
    assert server.errors[0].splitlines()[-1] == "ValueError: a fault"
